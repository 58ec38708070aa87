/// A discrete architecture: compared, written as YAML and as text, and drawn.
///
/// `description` is the text form, one line that `init(parsing:)` reads back. A YAML form other than that text
/// is declared by a `Configuration`:
///
///     static var codec: ConfigurationCodec<Self> {
///         .genotype(as: ChainForm.self, from: \.genotype, form: ChainForm.init)
///     }
public protocol GenotypeRepresentable: Hashable, ConfigurationRepresentable, CustomStringConvertible {
    /// Reads the space's own text form, however people have it: among other lines, in a log, commented; the last
    /// one of several.
    ///
    /// - Throws: `GenotypeError`, with line and column; `.isAbsent` if the text holds nothing of that form.
    init(parsing text: String) throws

    /// Pictures of it, in the order in which they are shown; none by default.
    var drawings: [GenotypeDrawing] { get }
}

extension GenotypeRepresentable {
    public var drawings: [GenotypeDrawing] { [] }

    /// The text form alone.
    public static var codec: ConfigurationCodec<Self> {
        .init(
            "genotype", expectation: "a genotype",
            read: { value, _, expectation, decoder in
                guard let text = value.text else {
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
                return decoder.reporting(at: value.location) { try Self(parsing: text) }
            },
            encode: { .string($0.description) })
    }

    /// - Throws: `ConfigurationErrors` with everything that is wrong.
    public init(decoding value: ConfigurationValue) throws(ConfigurationErrors) {
        var decoder = ConfigurationDecoder()
        let genotype = Self.codec.decode(value, default: nil, &decoder)
        try decoder.finish()
        guard let genotype else { preconditionFailure("no genotype, and nothing reported") }
        self = genotype
    }

    /// The YAML form.
    public var encoded: ConfigurationValue { Self.codec.encode(self) }

    /// Reads a whole file as people have it: YAML, by itself or as `genotype` of a larger mapping, or else the
    /// text form anywhere in it. Which of the two it is shows in trying.
    ///
    /// - Parameters:
    ///   - text: of the whole file.
    ///   - yaml: the text read as YAML, or the error of doing so.
    /// - Throws: `GenotypeError` where the text form is there and malformed, else what `yaml` failed with, or
    ///   `ConfigurationErrors`.
    public init(reading text: String, yaml: Result<ConfigurationValue, any Error>) throws {
        let mapping = yaml.flatMap { value -> Result<ConfigurationValue, any Error> in
            guard value.entries != nil else { return .failure(GenotypeError("expected a mapping")) }
            return .success(value["genotype"] ?? value)
        }
        if let value = try? mapping.get(), let genotype = try? Self(decoding: value) {
            self = genotype
            return
        }
        do { self = try Self(parsing: text) } catch let error as GenotypeError where error.isAbsent {
            if case .success(let value) = yaml, value.entries == nil { throw error }
            self = try Self(decoding: mapping.get())
        }
    }
}

extension ConfigurationCodec where Value: GenotypeRepresentable {
    /// A genotype that is written as a mapping, and read from one or from its own text.
    ///
    /// - Parameters:
    ///   - form: the mapping's keys.
    ///   - genotype: what a form says; its errors are reported where the mapping stands.
    ///   - encode: the form of a genotype.
    public static func genotype<Form: Configuration>(
        as form: Form.Type, from genotype: @escaping @Sendable (Form) throws -> Value,
        form encode: @escaping @Sendable (Value) -> Form
    ) -> Self {
        .init(
            "genotype", expectation: "a genotype",
            read: { value, _, expectation, decoder in
                switch value.content {
                case .scalar(let text, _):
                    return decoder.reporting(at: value.location) { try Value(parsing: text) }
                case .mapping:
                    let before = decoder.errors.count
                    let form = decoder.decode(Form.self, from: value)
                    guard decoder.errors.count == before else { return nil }
                    return decoder.reporting(at: value.location) { try genotype(form) }
                case .null, .sequence:
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
            },
            encode: { encode($0).encoded })
    }
}

extension ConfigurationDecoder {
    /// The result, or nil after reporting the error.
    fileprivate mutating func reporting<Result>(
        at location: ConfigurationValue.Location, _ body: () throws -> Result
    ) -> Result? {
        do { return try body() } catch {
            fail(error, at: location)
            return nil
        }
    }
}

/// A picture of a genotype, or of a part of it.
public struct GenotypeDrawing: Sendable, Hashable {
    /// The name of its file, without an extension.
    public let name: String
    /// A graph in Graphviz's DOT language.
    public let dot: String

    public init(name: String, dot: String) {
        self.name = name
        self.dot = dot
    }
}
