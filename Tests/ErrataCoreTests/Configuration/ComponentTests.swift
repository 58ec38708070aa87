import ErrataCore
import Testing

private struct Noise: Configuration {
    var noise = 100
    var depth = 2

    static var fields: [ConfigurationField<Self>] {
        [
            .init("noise", \.noise, "Length of z.", .atLeast(1)),
            .init("depth", \.depth, "Layers."),
        ]
    }
}

private struct Files: Configuration {
    var path = ""
    static var fields: [ConfigurationField<Self>] { [.init("path", \.path, "Needed.", .notEmpty)] }
    func validate() throws { if path.isEmpty { throw GenotypeError("a path is needed") } }
}

private struct Named: Configuration {
    var label = ""
    static var fields: [ConfigurationField<Self>] { [.init("name", \.label, "Taken.")] }
}

private struct Twice: Configuration {
    var label = ""
    static var fields: [ConfigurationField<Self>] {
        [.init("label", \.label, "One."), .init("label", \.label, "Other.")]
    }
}

private struct Choice: Configuration {
    var generator = ComponentSelection("dcgan", settings: .mapping([.init("noise", .literal("7"))]))
    static var fields: [ConfigurationField<Self>] { [.init("generator", \.generator, "What makes images.")] }
}

@Suite("Components")
struct ComponentTests {
    /// Products are texts of settings and context.
    private let list: ComponentList<String, Int>

    init() throws {
        var list = ComponentList<String, Int>(kind: "generator")
        try list.add(
            Component("dcgan", "Deep.", configuration: Noise.self) { "\($0.noise) \($0.depth) \($1)" })
        try list.add(Component("files", "Found.", configuration: Files.self) { settings, _ in settings.path })
        try list.add(Component("uniform", "Plain.") { "\($0)" })
        self.list = list
    }

    private func made(_ value: ConfigurationValue?) throws -> (product: String, encoded: ConfigurationValue) {
        let choice = try Choice(decoding: .mapping(value.map { [.init("generator", $0)] } ?? []))
        let prepared = try list.resolve(choice.generator)
        return (try prepared.make(5), prepared.selection.encoded)
    }

    private func failure(_ value: ConfigurationValue) -> String {
        do { return "made \(try made(value))" } catch { return "\(error)" }
    }

    @Test("A name, a name with settings, settings of the default, and nothing at all choose")
    func choosing() throws {
        #expect(try made(nil).product == "7 2 5")
        #expect(try made(.string("dcgan")).product == "7 2 5")
        #expect(try made(.mapping([.init("depth", .literal("3"))])).product == "7 3 5")
        #expect(
            try made(.mapping([.init("noise", .literal("9")), .init("name", .string("dcgan"))])).product
                == "9 2 5")
        #expect(try made(.string("uniform")).product == "5")
    }

    @Test("A prepared component's choice has every setting, and chooses the same")
    func resolved() throws {
        let encoded = try made(.mapping([.init("depth", .literal("3"))])).encoded
        #expect(
            encoded
                == .mapping([
                    .init("name", .string("dcgan")), .init("noise", .literal("7")),
                    .init("depth", .literal("3")),
                ]))
        #expect(try made(encoded).product == "7 3 5")
        #expect(try made(.string("uniform")).encoded == .string("uniform"))
    }

    @Test("Wrong names and settings are reported at their place and path")
    func errors() {
        let place = ConfigurationValue.Location("a.yaml", line: 3, column: 4)
        #expect(
            failure(.init(.scalar("dcgna", quoted: false), at: place))
                == "a.yaml:3:4: generator: no generator is called 'dcgna', did you mean 'dcgan'? "
                + "(there are: dcgan, files, uniform)")
        #expect(
            failure(.mapping([.init("nose", .literal("1"), at: place)]))
                == "a.yaml:3:4: generator.nose: unknown key, did you mean 'noise'? (the keys are noise, depth)"
        )
        #expect(
            failure(.mapping([.init("noise", .init(.scalar("0", quoted: false), at: place))]))
                == "a.yaml:3:4: generator.noise: expected an integer ≥ 1, found '0'")
        #expect(
            failure(.mapping([.init("name", .string("uniform")), .init("noise", .null, at: place)]))
                == "a.yaml:3:4: generator.noise: unknown key (there are no settings here)")
        #expect(
            failure(.init(.scalar("files", quoted: false), at: place))
                == "a.yaml:3:4: generator: genotype: a path is needed")
        #expect(
            failure(.mapping([.init("name", .sequence([]))]))
                == "generator.name: expected a text, found a list")
    }

    @Test("A specification's errors and its components' are gathered together")
    func gathering() {
        var decoder = ConfigurationDecoder()
        let choice = decoder.decode(
            Choice.self,
            from: .mapping([
                .init("other", .null), .init("generator", .mapping([.init("noise", .null)])),
            ]))
        #expect(decoder.resolve(choice.generator, from: list) != nil)
        let error = #expect(throws: ConfigurationErrors.self) { try decoder.finish() }
        #expect(error?.errors.map(\.path) == ["other", "generator.noise"])
    }

    @Test("Plugins that do not go together are refused")
    func adding() {
        var list = list
        func failure(_ component: Component<String, Int>) -> String {
            do throws(PluginError) { try list.add(component) } catch { return error.description }
            return "added"
        }
        #expect(
            failure(Component("uniform", "") { _ in "" }) == "two plugins add a generator called 'uniform'")
        #expect(
            failure(Component("x", "", configuration: Named.self) { _, _ in "" }).contains(
                "setting called 'name'"))
        #expect(
            failure(Component("x", "", configuration: Twice.self) { _, _ in "" })
                == "the generator 'x' declares 'label' twice")
        #expect(failure(Component("x", "") { _ in "" }) == "added")
    }
}
