import Datasets
import ErrataCore

/// Which run a spec describes: a digest of every setting that decides a bit of it. Specs of one identity are one run,
/// whatever they are called and whichever matrix they are of.
public struct RunIdentity: Sendable, Hashable, CustomStringConvertible {
    public let kind: RunKind
    /// Twelve hexadecimal digits.
    public let digest: String

    /// `search-0123456789ab`: the name of the run's directory.
    public var description: String { "\(kind.rawValue)-\(digest)" }

    /// The search of a spec.
    public static func search(_ spec: ExperimentSpec) -> Self { .init(.search, spec.deciding(.search)) }

    /// The evaluation, by a spec, of what its search finds.
    public static func evaluation(_ spec: ExperimentSpec) -> Self {
        .init(.evaluation, spec.deciding(.evaluation), of: search(spec).digest)
    }

    /// - Returns: nil where a name is not a run's directory's.
    public init?(_ name: String) {
        guard let match = name.wholeMatch(of: /(search|evaluation)-([0-9a-f]{12})/),
            let kind = RunKind(rawValue: String(match.1))
        else { return nil }
        (self.kind, digest) = (kind, String(match.2))
    }

    private init(_ kind: RunKind, _ settings: ConfigurationValue, of search: String = "") {
        self.kind = kind
        let text = "\(kind.rawValue)\n\(search)\n\(YAMLWriter.text(settings))"
        let bytes = Array(text.utf8).withUnsafeBytes { SHA256.digest($0) }
        digest = bytes.prefix(6).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
