/// What is wrong with a genotype, or with its text.
public struct GenotypeError: Error, Hashable, CustomStringConvertible {
    /// `genotype: 1:19: expected a quoted name`.
    public let description: String
    /// Whether a text holds nothing of a genotype's form, so that it may be of another.
    public let isAbsent: Bool

    public init(_ message: String, isAbsent: Bool = false) {
        description = "genotype: \(message)"
        self.isAbsent = isAbsent
    }

    /// - Parameters:
    ///   - message: what is wrong.
    ///   - offset: where in the text it is wrong, in characters.
    ///   - text: that was read.
    public init(_ message: String, at offset: Int, of text: [Character]) {
        let before = text[..<min(offset, text.count)]
        let line = 1 + before.count(where: \.isNewline)
        let column = 1 + before.count - (before.lastIndex(where: \.isNewline).map { $0 + 1 } ?? 0)
        self.init("\(line):\(column): \(message)")
    }
}
