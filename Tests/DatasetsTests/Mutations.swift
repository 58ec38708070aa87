import Datasets
import Foundation
import Testing

/// Damaged copies of a good file: bits flipped, bytes replaced, pieces cut out, doubled or overwritten, ends cut off.
/// The same ones for a seed. `ERRATA_FUZZ=1000000` makes so many of each file.
struct Mutations: Sequence, IteratorProtocol {
    private let original: [UInt8]
    private var state: UInt64
    private var left: Int

    init(of original: [UInt8], count: Int = 400, seed: UInt64 = 1) {
        self.original = original
        state = seed
        left = ProcessInfo.processInfo.environment["ERRATA_FUZZ"].flatMap { Int($0) } ?? count
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private mutating func random(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }

    mutating func next() -> [UInt8]? {
        guard left > 0 else { return nil }
        left -= 1
        var bytes = original
        for _ in 0...random(below: 3) where !bytes.isEmpty {
            // Headers are at the beginning, and most files are longer than they are.
            let start = random(below: random(below: 2) == 0 ? Swift.min(bytes.count, 600) : bytes.count)
            let end = Swift.min(start + 1 + random(below: 16), bytes.count)
            switch random(below: 7) {
            case 0: bytes[start] ^= 1 << UInt8(random(below: 8))
            case 1: bytes[start] = [0, 1, 0x7F, 0x80, 0xFF][random(below: 5)]
            case 2: bytes[start] = UInt8(random(below: 256))
            case 3: bytes.removeSubrange(start..<end)
            case 4: bytes.insert(contentsOf: bytes[start..<end], at: start)
            case 5: for index in start..<end { bytes[index] = UInt8(random(below: 256)) }
            default: bytes.removeSubrange(start...)
            }
        }
        return bytes
    }
}

/// Reads damaged copies of a file: each is read, or refused with a `DatasetError` or a `FileError`, and nothing else.
///
/// - Returns: how many were refused.
@discardableResult
func fuzz(_ original: [UInt8], count: Int = 400, _ read: ([UInt8]) throws -> Void) throws -> Int {
    var refused = 0
    for bytes in Mutations(of: original, count: count) {
        do { try read(bytes) } catch is DatasetError { refused += 1 } catch is FileError { refused += 1 }
    }
    return refused
}
