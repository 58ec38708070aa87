import ErrataCore

/// The name of an operation as a setting has it, which remembers where it stands: a space that knows its candidates
/// says there what is wrong with it.
public struct OperationName: Sendable, Hashable, ExpressibleByStringLiteral {
    public let name: String
    private let location: ConfigurationValue.Location
    private let path: String

    public init(_ name: String) { self.init(name, at: .none, path: "") }

    public init(stringLiteral name: String) { self.init(name) }

    private init(_ name: String, at location: ConfigurationValue.Location, path: String) {
        self.name = name
        self.location = location
        self.path = path
    }

    public static func == (one: Self, other: Self) -> Bool { one.name == other.name }

    public func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// The candidates that are named, in the order of their names.
    ///
    /// - Throws: `ConfigurationErrors` if a name is none of a candidate's or given twice, or if nothing that is named
    ///   computes anything.
    public static func operations(_ names: [OperationName], among candidates: [CellOperation]) throws
        -> [CellOperation]
    {
        var errors: [ConfigurationError] = []
        var found: [CellOperation] = []
        for name in names {
            if let operation = candidates.first(where: { $0.name == name.name }) {
                if found.contains(where: { $0.name == name.name }) {
                    errors.append(name.error("\(name.name.quotedForMessage) is named twice"))
                }
                found.append(operation)
            } else {
                let known = candidates.map(\.name)
                let meant = suggestion(for: name.name, among: known).map { ", did you mean '\($0)'?" } ?? ""
                errors.append(
                    name.error(
                        "no operation is called \(name.name.quotedForMessage)\(meant) (there are: "
                            + "\(known.joined(separator: ", ")))"))
            }
        }
        if errors.isEmpty, !found.contains(where: \.computes) {
            errors.append(
                (names.first ?? "").error("expected at least one operation that computes something"))
        }
        guard errors.isEmpty else { throw ConfigurationErrors(errors) }
        return found
    }

    private func error(_ message: String) -> ConfigurationError {
        ConfigurationError(message, path: path, at: location)
    }
}

extension OperationName: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Self> {
        .init(
            "operation", expectation: "an operation's name",
            read: { value, _, expectation, decoder in
                guard let text = value.text else {
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
                return OperationName(text, at: value.location, path: decoder.path)
            },
            encode: { .string($0.name) })
    }
}
