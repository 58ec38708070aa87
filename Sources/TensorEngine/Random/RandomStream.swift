import Foundation

/// Random numbers that are a function of their position: element i of a stream is the same whoever draws it,
/// in whatever order and on whatever thread. A resumed run draws what the uninterrupted one would have drawn.
public struct RandomStream: Sendable, Hashable {
    /// Philox's key: the seed.
    public let key: SIMD2<UInt32>
    /// What tells the streams of a seed apart: the upper half of Philox's counters.
    public let id: UInt64

    /// - Parameters:
    ///   - seed: of the run.
    ///   - label: what the numbers are for.
    ///   - step: when they are drawn.
    public init(seed: UInt64, _ label: String = "", step: UInt64 = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        id = mixed(mixed(0xCBF2_9CE4_8422_2325, stableHash(label)), step)
    }

    private init(key: SIMD2<UInt32>, id: UInt64) {
        self.key = key
        self.id = id
    }

    /// An independent stream for a part of the work.
    public func derived(_ label: String) -> RandomStream {
        RandomStream(key: key, id: mixed(id, stableHash(label)))
    }

    /// An independent stream for one of many: a step, an example.
    public func derived(_ index: UInt64) -> RandomStream {
        RandomStream(key: key, id: mixed(id ^ 0x5851_F42D_4C95_7F2D, index))
    }

    /// Philox's block at a position, which is the lower half of its counter: words 4·index to 4·index + 3.
    @inlinable
    public func block(_ index: UInt64) -> SIMD4<UInt32> {
        Philox.block(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
                UInt32(truncatingIfNeeded: id), UInt32(truncatingIfNeeded: id >> 32)),
            key: key)
    }

    /// 32 uniform bits.
    @inlinable
    public func bits(at index: UInt64) -> UInt32 { block(index / 4)[Int(index % 4)] }

    /// Uniform in [0, 1), with 24 bits, so that Float and Double agree exactly.
    @inlinable
    public func uniform(at index: UInt64) -> Double { Double(bits(at: index) >> 8) * 0x1p-24 }

    /// Standard normal, by Box and Muller's transformation.
    @inlinable
    public func normal(at index: UInt64) -> Double {
        let words = block(index / 4)
        let pair = Int(index % 4) / 2 * 2
        let radius = (-2 * log((Double(words[pair] >> 8) + 1) * 0x1p-24)).squareRoot()
        let angle = 2 * Double.pi * Double(words[pair + 1] >> 8) * 0x1p-24
        return radius * (index % 2 == 0 ? cos(angle) : sin(angle))
    }

    /// Uniform in 0..<bound, without bias.
    public func integer(below bound: Int, at index: UInt64) -> Int {
        precondition(bound > 0 && bound <= 1 << 31, "bound \(bound), expected 1...2³¹")
        let bound = UInt32(bound)
        let threshold = (0 &- bound) % bound
        let attempts = derived("integer").derived(index)
        for attempt in 0... {
            let product = UInt64(attempts.bits(at: UInt64(attempt))) * UInt64(bound)
            if UInt32(truncatingIfNeeded: product) >= threshold { return Int(product >> 32) }
        }
        fatalError("unreachable: the attempts are endless")
    }

    /// 0..<count in random order.
    public func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(below: last + 1, at: UInt64(last)))
        }
        return order
    }
}

/// FNV-1a: the same on every machine and in every run, unlike `Hasher`.
private func stableHash(_ label: String) -> UInt64 {
    label.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

/// The finaliser of SplitMix64 over a combination of both.
private func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var z = a &+ (b &* 0x9E37_79B9_7F4A_7C15) &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
