import Datasets
import ErrataCore

/// What a run's images are, in a line that differs where the images do: their number and size, their classes, and a
/// digest of the names, the labels and some of the images.
public struct DataDigest: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    public let classNames: [String]

    /// The images of each part that the digest takes in, spread evenly.
    private static let sampleSize = 64

    /// - Parameter parts: of one size and the same classes; not empty.
    /// - Throws: `DatasetError` if an image cannot be read.
    init(of parts: [any Dataset]) throws {
        let first = parts[0]
        classNames = first.classNames
        var hash = SHA256()
        for name in classNames { hash.update(Array("\(name)\0".utf8)) }
        for part in parts {
            part.labels.withUnsafeBytes { hash.update($0) }
            let count = min(part.count, Self.sampleSize)
            for index in 0..<count { hash.update(try part.image(index * part.count / count)) }
        }
        let digest = hash.finish().prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        let counts = parts.map { "\($0.count)" }.joined(separator: " and ")
        description =
            "\(counts) images of \(first.height)×\(first.width)×\(first.channels) in \(classNames.count) classes, "
            + "digest \(digest.joined())"
    }
}

extension SHA256 {
    fileprivate mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }
}
