"""Pictures in and out: the reader of files, the picture contract, sheets, and the data sets."""
