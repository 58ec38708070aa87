/// One thing that is wrong in a configuration.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    public var location: ConfigurationValue.Location
    /// The setting, such as `method.steps`; empty where it is the file as a whole.
    public var path: String
    public var message: String

    public init(_ message: String, path: String = "", at location: ConfigurationValue.Location) {
        self.message = message
        self.path = path
        self.location = location
    }

    /// `file:line:column: method.steps: expected a number ≥ 0, found 'abc'`.
    public var description: String {
        [location.description, path, message].filter { !$0.isEmpty }.joined(separator: ": ")
    }
}

/// All that is wrong in a configuration, in the order of the file; never empty.
public struct ConfigurationErrors: Error, Hashable, CustomStringConvertible {
    public let errors: [ConfigurationError]

    public init(_ errors: [ConfigurationError]) { self.errors = errors }

    public init(_ message: String, path: String = "", at location: ConfigurationValue.Location) {
        errors = [ConfigurationError(message, path: path, at: location)]
    }

    /// A line for each of the first twenty errors.
    public var description: String {
        let lines = errors.prefix(20).map(\.description)
        return (lines + (errors.count > 20 ? ["and \(errors.count - 20) more"] : [])).joined(separator: "\n")
    }
}
