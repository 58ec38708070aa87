/// Philox4x32-10, a counter-based random number generator (Salmon et al., 2011): a bijection of 128-bit
/// counters under a 64-bit key, whose outputs are the random numbers.
public enum Philox {
    @inlinable
    @inline(__always)
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for _ in 0..<10 {
            let p0 = UInt64(c.x) * 0xD251_1F53
            let p1 = UInt64(c.z) * 0xCD9E_8D57
            c = SIMD4(
                UInt32(p1 >> 32) ^ c.y ^ k.x, UInt32(truncatingIfNeeded: p1),
                UInt32(p0 >> 32) ^ c.w ^ k.y, UInt32(truncatingIfNeeded: p0))
            k.x &+= 0x9E37_79B9
            k.y &+= 0xBB67_AE85
        }
        return c
    }
}
