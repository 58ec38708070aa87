import ErrataCore
import Testing

private struct Optimizer: Configuration {
    enum Kind: String, ConfigurationChoice {
        case sgd, adam
        case firstOrder = "first-order"
    }

    var kind = Kind.sgd
    var rate = 0.025
    var clip: Double? = 5
    var betas = [0.5, 0.999]

    static var fields: [ConfigurationField<Self>] {
        [
            .init("kind", \.kind, "The rule."),
            .init("rate", \.rate, "The learning rate.", .above(0)),
            .init("clip", \.clip, "The largest norm.", ifGiven: .atLeast(0)),
            .init("betas", \.betas, "Adam's moments.", each: .within(0..<1), .count(2)),
        ]
    }

    func validate() throws {
        if kind == .adam, clip != nil { throw GenotypeError("adam does not clip") }
    }
}

private struct Experiment: Configuration {
    var seed = 1
    var verbose = false
    var title = "none"
    var weights = Optimizer()
    var generator = ComponentSelection("dcgan", settings: .mapping([.init("noise", .literal("7"))]))

    init() { weights.rate = 0.5 }

    static var fields: [ConfigurationField<Self>] {
        [
            .init("seed", \.seed, "The seed.", .atLeast(0)),
            .init("verbose", \.verbose, "Whether to say more."),
            .init("title", \.title, "The title."),
            .init("weights", \.weights, "How weights descend."),
            .init("generator", \.generator, "What makes images."),
        ]
    }
}

private struct Choosy: Configuration {
    var name = ""
    static var fields: [ConfigurationField<Self>] { [.init("name", \.name, "Needed.")] }
    func validate() throws { if name.isEmpty { throw GenotypeError("nothing chosen") } }
}

/// A mapping whose entries stand on lines 1, 2, 3, …, values in column 5.
private func mapping(_ entries: KeyValuePairs<String, ConfigurationValue>) -> ConfigurationValue {
    .mapping(
        entries.enumerated().map { index, entry in
            var value = entry.value
            value.location = .init("a.yaml", line: index + 1, column: 5)
            return .init(entry.key, value, at: .init("a.yaml", line: index + 1, column: 1))
        })
}

private func failures<C: Configuration>(_ type: C.Type, _ value: ConfigurationValue) -> [String] {
    do {
        _ = try C(decoding: value)
        return []
    } catch { return error.errors.map(\.description) }
}

@Suite("Configurations")
struct ConfigurationTests {
    @Test("What is left out keeps its default, a section's from the section that holds it")
    func defaults() throws {
        let experiment = try Experiment(decoding: mapping(["weights": mapping(["clip": .null])]))
        #expect(experiment.seed == 1)
        #expect(experiment.weights.rate == 0.5)
        #expect(experiment.weights.clip == nil)
        #expect(try Experiment(decoding: mapping(["weights": .null])).weights.rate == 0.5)
        #expect(try Experiment(decoding: .null).title == "none")
    }

    @Test("Every kind of value is read")
    func values() throws {
        let experiment = try Experiment(
            decoding: mapping([
                "seed": .literal("-0"), "verbose": .literal("true"), "title": .literal("12"),
                "weights": mapping([
                    "kind": .literal("first-order"), "rate": .literal("1e-3"), "clip": .literal("2"),
                    "betas": .sequence([.literal("0"), .literal(".5")]),
                ]),
            ]))
        #expect(experiment.seed == 0 && experiment.verbose && experiment.title == "12")
        #expect(experiment.weights.kind == .firstOrder && experiment.weights.rate == 0.001)
        #expect(experiment.weights.clip == 2 && experiment.weights.betas == [0, 0.5])
    }

    @Test(
        "An integer is one of the core schema, a truth value is true or false",
        arguments: [
            ("seed", ConfigurationValue.literal("1.5"), "an integer ≥ 0, found '1.5'"),
            ("seed", .literal("1e3"), "an integer ≥ 0, found '1e3'"),
            ("seed", .literal("0o8"), "an integer ≥ 0, found '0o8'"),
            ("seed", .literal("-0x1"), "an integer ≥ 0, found '-0x1'"),
            ("seed", .literal("0x-1"), "an integer ≥ 0, found '0x-1'"),
            ("seed", .literal("0x"), "an integer ≥ 0, found '0x'"),
            ("seed", .literal("0X1F"), "an integer ≥ 0, found '0X1F'"),
            ("seed", .literal("+-1"), "an integer ≥ 0, found '+-1'"),
            ("seed", .literal("1_000"), "an integer ≥ 0, found '1_000'"),
            ("seed", .literal("-1"), "an integer ≥ 0, found '-1'"),
            ("seed", .literal("99999999999999999999"), "an integer ≥ 0, found '99999999999999999999'"),
            ("seed", .literal("٣"), "an integer ≥ 0, found '٣'"),
            ("seed", .literal(""), "an integer ≥ 0, found ''"),
            ("seed", .literal("-"), "an integer ≥ 0, found '-'"),
            ("seed", .string("1"), "an integer ≥ 0, found the text '1'"),
            ("seed", .null, "an integer ≥ 0, found null"),
            ("verbose", .literal("yes"), "true, false, on or off, found 'yes'"),
            ("verbose", .literal("tRUE"), "true, false, on or off, found 'tRUE'"),
            ("verbose", .string("true"), "true, false, on or off, found the text 'true'"),
            ("title", .null, "a text, found null"),
            ("title", .sequence([]), "a text, found a list"),
            ("weights", .literal("x"), "a mapping, found 'x'"),
            ("generator", .null, "a name, or a mapping with a name and settings, found null"),
        ])
    func wrongTypes(key: String, value: ConfigurationValue, message: String) {
        let value = ConfigurationValue(.mapping([.init(key, value)]))
        #expect(failures(Experiment.self, value) == ["\(key): expected \(message)"])
    }

    @Test(
        "Integers are those of YAML 1.2's core schema",
        arguments: [
            ("+5", 5), ("007", 7), ("0", 0), ("-0", 0), ("00", 0), ("0o17", 15), ("0x1F", 31), ("0xff", 255),
            ("9223372036854775807", Int.max),
        ])
    func integers(text: String, expected: Int) throws {
        #expect(try Experiment(decoding: mapping(["seed": .literal(text)])).seed == expected)
        let rate = try? Optimizer(decoding: mapping(["rate": .literal(text)])).rate
        #expect(rate == (expected > 0 ? Double(expected) : nil))
    }

    @Test("Truth values are those of the core schema, and on and off")
    func booleans() throws {
        for (word, expected) in [("true", true), ("on", true), ("false", false), ("off", false)] {
            for text in [word, word.capitalized, word.uppercased()] {
                let value = mapping(["verbose": .literal(text)])
                #expect(try Experiment(decoding: value).verbose == expected, "\(text)")
            }
        }
    }

    @Test(
        "Numbers are YAML's and finite, not all that Swift reads",
        arguments: [
            "nan", ".nan", "inf", ".inf", "1e999", "0x1p3", "1e", "e3", ".", "+", "1.2.3", " 1", "1_0", "abc",
            "0",
        ])
    func noNumbers(text: String) {
        let value = mapping(["rate": .literal(text)])
        #expect(
            failures(Optimizer.self, value) == ["a.yaml:1:5: rate: expected a number > 0, found '\(text)'"])
    }

    @Test("All errors are reported together, each at its place and path")
    func allErrors() {
        let value = mapping([
            "sede": .literal("1"), "verbose": .literal("1"),
            "weights": mapping([
                "kind": .literal("adma"), "clip": .literal("-1"),
                "betas": .sequence([
                    .literal("0.5"), .init(.scalar("1", quoted: false), at: .init("b", line: 9)),
                ]),
                "Rate": .literal("1"),
            ]),
        ])
        #expect(
            failures(Experiment.self, value) == [
                "a.yaml:1:1: sede: unknown key, did you mean 'seed'? "
                    + "(the keys are seed, verbose, title, weights, generator)",
                "a.yaml:2:5: verbose: expected true, false, on or off, found '1'",
                "a.yaml:1:5: weights.kind: expected one of sgd, adam, first-order, found 'adma', "
                    + "did you mean 'adam'?",
                "a.yaml:2:5: weights.clip: expected a number ≥ 0 or null, found '-1'",
                "b:9: weights.betas[1]: expected a number from 0 to below 1, found '1'",
                "a.yaml:4:1: weights.Rate: unknown key, did you mean 'rate'? "
                    + "(the keys are kind, rate, clip, betas)",
            ])
        let lengths = mapping(["betas": .sequence([.literal("0")])])
        #expect(
            failures(Optimizer.self, lengths) == ["a.yaml:1:5: betas: expected a list of 2, found a list"])
    }

    @Test("A configuration's own check is reported at its section")
    func validation() {
        let value = mapping(["weights": mapping(["kind": .literal("adam")])])
        #expect(failures(Experiment.self, value) == ["a.yaml:1:5: weights: genotype: adam does not clip"])
        #expect(
            failures(Choosy.self, .init(.null, at: .init("a", line: 2))) == ["a:2: genotype: nothing chosen"])
        let fine = mapping(["weights": mapping(["kind": .literal("adam"), "clip": .null])])
        #expect(failures(Experiment.self, fine) == [])
    }

    @Test("A message is one short line whatever the file says")
    func messages() {
        let value = mapping([
            "title\n\u{1B}[31m": .null, "seed": .literal(String(repeating: "9", count: 100_000)),
        ])
        for line in failures(Experiment.self, value) {
            #expect(!line.contains { $0.isNewline || $0 == "\u{1B}" } && line.count < 200)
        }
        let many = ConfigurationErrors((0..<500).map { ConfigurationError("\($0)", at: .none) })
        #expect(many.description.split(separator: "\n").count == 21)
        #expect(many.description.hasSuffix("and 480 more"))
    }

    @Test("What is encoded has every setting, and reads as the same")
    func encoding() throws {
        var experiment = Experiment()
        experiment.weights.rate = 1e-5
        experiment.title = "true"
        let value = experiment.encoded
        #expect(value["weights"]?["rate"] == .literal("1.0e-05"))
        #expect(value["title"] == .string("true"))
        #expect(value["generator"]?["name"] == .string("dcgan"))
        #expect(value["weights"]?.entries?.map(\.key) == ["kind", "rate", "clip", "betas"])
        #expect(try Experiment(decoding: value).encoded == value)
    }

    @Test(
        "Doubles are written so that they read as the same bits",
        arguments: [
            0.1, 1e-5, 3e-4, 1e22, 1.7976931348623157e308, 2.5e-10, 1, 123456789.125, 2.2250738585072014e-308,
            0.0,
        ])
    func doubles(number: Double) throws {
        var optimizer = Optimizer()
        optimizer.clip = number
        #expect(try Optimizer(decoding: optimizer.encoded).clip?.bitPattern == number.bitPattern)
    }

    @Test("The table of settings has every key path with type, default, constraint and meaning")
    func rows() {
        let rows = Experiment.rows
        #expect(
            rows.map(\.path) == [
                "seed", "verbose", "title", "weights", "weights.kind", "weights.rate", "weights.clip",
                "weights.betas", "generator",
            ])
        #expect(
            rows.map(\.type) == [
                "integer", "boolean", "text", "section", "sgd | adam | first-order", "number",
                "number or null", "list of number", "component",
            ])
        #expect(
            rows.map(\.default) == [
                "1", "false", "none", "", "sgd", "0.5", "5.0", "[0.5, 0.999]", "{name: dcgan, noise: 7}",
            ])
        #expect(rows[6].constraint == "≥ 0" && rows[6].meaning == "The largest norm.")
    }
}

@Suite("Suggestions")
struct SuggestionTests {
    @Test(
        "Edits are insertions, deletions, replacements and swaps of neighbours",
        arguments: [
            ("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("lamdba", "lambda", 1),
            ("ca", "abc", 3), ("abcd", "badc", 2), ("same", "same", 0),
        ])
    func distance(one: String, other: String, edits: Int) {
        #expect(editDistance(Array(one), Array(other)) == edits)
        #expect(editDistance(Array(other), Array(one)) == edits)
    }

    @Test("The nearest candidate is suggested, and none that is far")
    func nearest() {
        let keys = ["lambda", "synthetic-only", "epochs", "rate", "seed"]
        #expect(suggestion(for: "lamda", among: keys) == "lambda")
        #expect(suggestion(for: "synthetic_only", among: keys) == "synthetic-only")
        #expect(suggestion(for: "Syntheticonly", among: keys) == "synthetic-only")
        #expect(suggestion(for: "epoch", among: keys) == "epochs")
        #expect(suggestion(for: "batch", among: keys) == nil)
        #expect(suggestion(for: "x", among: keys) == nil)
        #expect(suggestion(for: String(repeating: "lambda", count: 100_000), among: keys) == nil)
    }
}
