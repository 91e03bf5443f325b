;; c = a · b, row by row: a (rows, depth), b (depth, columns), c (rows, columns), float32, each at a byte address.
;; Sixteen columns at a time, a strip, copied to `strip` (depth, 16) first, where all rows find it in the cache. The last
;; strip may run over the end of its row: what it writes there is written again, right, by a later row or by a strip
;; further left (so the strips go from right to left). Behind the last rows of b and c lie 64 bytes that nobody needs.
(module
  (import "live" "memory" (memory 1))
  (func (export "multiply")
    (param $a i32) (param $b i32) (param $c i32) (param $rows i32) (param $columns i32) (param $depth i32) (param $strip i32)
    (local $column i32) (local $row i32) (local $from i32) (local $at i32) (local $end i32) (local $factor v128)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128)
    (local.set $end (i32.add (local.get $strip) (i32.shl (local.get $depth) (i32.const 6))))
    ;; 4 bytes · 16 · ⌈columns / 16⌉, the end of the last strip; from here on columns, too, are counted in bytes
    (local.set $column (i32.shl (i32.and (i32.add (local.get $columns) (i32.const 15)) (i32.const -16)) (i32.const 2)))
    (local.set $columns (i32.shl (local.get $columns) (i32.const 2)))
    (loop $strips
      (local.set $column (i32.sub (local.get $column) (i32.const 64)))
      (local.set $from (i32.add (local.get $b) (local.get $column)))
      (local.set $at (local.get $strip))
      (loop $copies
        (v128.store (local.get $at) (v128.load (local.get $from)))
        (v128.store offset=16 (local.get $at) (v128.load offset=16 (local.get $from)))
        (v128.store offset=32 (local.get $at) (v128.load offset=32 (local.get $from)))
        (v128.store offset=48 (local.get $at) (v128.load offset=48 (local.get $from)))
        (local.set $from (i32.add (local.get $from) (local.get $columns)))
        (br_if $copies (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))
      (local.set $from (local.get $a))                                          ;; runs through all of a
      (local.set $row (i32.const 0))
      (loop $rows
        (local.set $sum0 (v128.const f32x4 0 0 0 0))
        (local.set $sum1 (v128.const f32x4 0 0 0 0))
        (local.set $sum2 (v128.const f32x4 0 0 0 0))
        (local.set $sum3 (v128.const f32x4 0 0 0 0))
        (local.set $at (local.get $strip))
        (loop $depths                                                           ;; sum += a[row, k] · strip[k]
          (local.set $factor (v128.load32_splat (local.get $from)))
          (local.set $sum0 (f32x4.add (local.get $sum0) (f32x4.mul (local.get $factor) (v128.load (local.get $at)))))
          (local.set $sum1 (f32x4.add (local.get $sum1) (f32x4.mul (local.get $factor) (v128.load offset=16 (local.get $at)))))
          (local.set $sum2 (f32x4.add (local.get $sum2) (f32x4.mul (local.get $factor) (v128.load offset=32 (local.get $at)))))
          (local.set $sum3 (f32x4.add (local.get $sum3) (f32x4.mul (local.get $factor) (v128.load offset=48 (local.get $at)))))
          (local.set $from (i32.add (local.get $from) (i32.const 4)))
          (br_if $depths (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))
        (local.set $at (i32.add (i32.add (local.get $c) (i32.mul (local.get $row) (local.get $columns))) (local.get $column)))
        (v128.store (local.get $at) (local.get $sum0))
        (v128.store offset=16 (local.get $at) (local.get $sum1))
        (v128.store offset=32 (local.get $at) (local.get $sum2))
        (v128.store offset=48 (local.get $at) (local.get $sum3))
        (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $rows))))
      (br_if $strips (local.get $column)))))
