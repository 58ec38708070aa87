/// Reads configurations, and gathers all that is wrong instead of stopping at the first.
///
///     var decoder = ConfigurationDecoder()
///     let experiment = decoder.decode(ExperimentConfiguration.self, from: value)
///     let generator = decoder.resolve(experiment.generator, from: registry.generators)
///     try decoder.finish()
public struct ConfigurationDecoder: Sendable {
    public private(set) var errors: [ConfigurationError] = []
    /// The setting that is being read, such as `search_space.operations[1]`.
    package private(set) var path: String
    /// What settings may choose components from.
    let registry: PluginRegistry?

    /// - Parameters:
    ///   - path: what the paths in errors begin with.
    ///   - registry: what settings may choose components from.
    public init(path: String = "", registry: PluginRegistry? = nil) {
        self.path = path
        self.registry = registry
    }

    /// The configuration that a mapping describes; what is wrong in it keeps its default, and is reported by
    /// `finish()`.
    public mutating func decode<C: Configuration>(_ type: C.Type, from value: ConfigurationValue) -> C {
        C.decode(value, default: C(), &self)
    }

    /// A configuration of a value, with the defaults of another.
    mutating func decode<C: Configuration>(
        _ type: C.Type, from value: ConfigurationValue, default standing: C
    ) -> C {
        C.decode(value, default: standing, &self)
    }

    /// - Throws: all errors so far, if there are any.
    public func finish() throws(ConfigurationErrors) {
        guard errors.isEmpty else { throw ConfigurationErrors(errors) }
    }

    /// Reports what is wrong with the setting that is being read.
    public mutating func fail(_ message: String, at location: ConfigurationValue.Location) {
        errors.append(ConfigurationError(message, path: path, at: location))
    }

    /// Reports why what a setting says cannot be made; an error that knows its own setting or place keeps it.
    public mutating func fail(_ error: any Error, at location: ConfigurationValue.Location) {
        switch error {
        case let error as ConfigurationErrors: errors += error.errors
        case let error as SettingError:
            errors.append(ConfigurationError(error.message, path: error.setting, at: location))
        default: fail("\(error)", at: location)
        }
    }

    /// Reports that a setting is of another kind, such as a list where a number is expected.
    public mutating func fail(expected: String, found value: ConfigurationValue) {
        fail("expected \(expected), found \(value.summary)", at: value.location)
    }

    /// Reads the value of a key.
    public mutating func within<Result>(key: String, _ body: (inout Self) throws -> Result) rethrows
        -> Result
    {
        try within(path: (path.isEmpty ? "" : "\(path).") + key.shownInMessage, body)
    }

    /// Reads an element of a list.
    public mutating func within<Result>(index: Int, _ body: (inout Self) throws -> Result) rethrows -> Result
    {
        try within(path: "\(path)[\(index)]", body)
    }

    /// Reads what stands elsewhere.
    public mutating func within<Result>(path inner: String, _ body: (inout Self) throws -> Result) rethrows
        -> Result
    {
        let outer = path
        path = inner
        defer { path = outer }
        return try body(&self)
    }
}
