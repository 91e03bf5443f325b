"""What a page keeps in its address: read by a rule, written only where it differs from the default."""
import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import address


@pytest.mark.parametrize("text", ["nan", "inf", "1e9", "-1", "", "1,2", "<script>", "0x1"])
def test_a_number_out_of_its_range_is_refused(text):
    for field in (address.whole("key", 9, 4, "draw"), address.numbers("key", [(0, 9)], (4.0,), "level")):
        with pytest.raises(ValueError):
            field.parse(text)


def test_a_part_of_a_number_is_no_whole_one_and_minus_nothing_is_nothing():
    """A face 1.5 is none, and noise of a deviation of -0 cannot be drawn."""
    with pytest.raises(ValueError):
        address.whole("face", 9, 4, "face").parse("1.5")
    assert str(address.numbers("level", [(0, 9)], (4.0,), "level").parse("-0")[0]) == "0.0"


def test_what_is_written_is_read_again():
    point = address.numbers("at", [(-1, 1), (0, 5)], (0.0, 0.0), "point")
    assert point.format((-0.5, 4.25)) == "-0.500,4.250" and point.parse("-0.500,4.250") == (-0.5, 4.25)
    assert address.whole("draw", 9, 0, "draw").parse("7") == 7


def script():
    import streamlit as st

    from pages.shared import address
    field = address.whole("draw", 9, 4, "draw")
    st.session_state.read = field.read()
    field.write(st.session_state.get("next", st.session_state.read))


def opened(**query):
    app = AppTest.from_function(script)
    for key, value in query.items():
        app.query_params[key] = value
    return app


def test_the_default_is_left_out_and_what_others_keep_stays():
    app = opened(draw="7", other="kept").run()
    assert app.session_state.read == 7 and dict(app.query_params) == {"draw": "7", "other": "kept"}
    app.session_state.next = 4
    app.run()
    assert dict(app.query_params) == {"other": "kept"}


def test_an_unknown_value_gets_one_sentence_and_is_forgotten():
    app = opened(draw="10").run()
    assert [info.value for info in app.info] == ["The link contains an unknown draw; showing the default instead."]
    assert app.session_state.read == 4 and not dict(app.query_params) and not app.run().info
