import ErrataCore
import Experiments
import Foundation
import Testing

@Suite("Reading YAML")
struct YAMLReaderTests {
    private func read(_ text: String) throws -> ConfigurationValue {
        try YAMLReader.read(text, source: "a.yaml")
    }

    private func failure(_ text: String) -> String {
        do { return "read as \(try read(text))" } catch { return "\(error)" }
    }

    @Test("Scalars keep their text and whether they were quoted")
    func scalars() throws {
        let value = try read("a: 1e-3\nb: \"1\"\nc: ~\nd:\ne: no\nf: 'null'\ng: !!str 5\nh: !!int '5'\n")
        #expect(
            value
                == .mapping([
                    .init("a", .literal("1e-3")), .init("b", .string("1")), .init("c", .null),
                    .init("d", .null), .init("e", .literal("no")), .init("f", .string("null")),
                    .init("g", .string("5")), .init("h", .literal("5")),
                ]))
    }

    @Test("Keys and values know where they stand, in characters")
    func locations() throws {
        let value = try read("# one\nlearner:\n  λλ: 0.5\n  list: [a, ü, c]\n")
        let learner = try #require(value["learner"])
        let entries = try #require(learner.entries)
        #expect(entries[0].location == .init("a.yaml", line: 3, column: 3))
        #expect(entries[0].value.location == .init("a.yaml", line: 3, column: 7))
        guard case .sequence(let list) = learner["list"]?.content else {
            Issue.record("no list")
            return
        }
        #expect(list[2].location.description == "a.yaml:4:16")
        #expect(list[1].text == "ü")
    }

    @Test("An alias repeats its anchor's value")
    func aliases() throws {
        let value = try read("a: &x {b: [1, 2]}\nc: *x\n")
        #expect(value["c"] == value["a"])
        #expect(failure("a: &x [*x]\n") == "a.yaml:1:8: no anchor is called 'x' before here")
        #expect(failure("a: *y\n") == "a.yaml:1:4: no anchor is called 'y' before here")
    }

    @Test("A merge key adds what a mapping does not say itself, of several mappings the first one's")
    func merging() throws {
        let base = "x: &x {a: 1, b: {c: 1}}\ny: &y {a: 2, d: 2}\n"
        for (text, expected) in [
            ("{<<: *x, e: 3}", "{e: 3, a: 1, b: {c: 1}}"), ("{<<: *x, b: 3}", "{b: 3, a: 1}"),
            ("{b: 3, <<: *x}", "{b: 3, a: 1}"), ("{<<: [*x, *y]}", "{a: 1, b: {c: 1}, d: 2}"),
            ("{<<: [*y, *x], d: 3}", "{d: 3, a: 2, b: {c: 1}}"), ("{<<: {a: 1}}", "{a: 1}"),
            ("{<<: []}", "{}"), ("{\"<<\": 1}", "{'<<': 1}"), ("{<<: {<<: *y, a: 4}}", "{a: 4, d: 2}"),
        ] {
            let value = try #require(try read("\(base)z: \(text)\n")["z"])
            #expect(value == (try read(expected)), "\(text)")
        }
        let merged = try read("\(base)z:\n  <<: *y\n")["z"]
        #expect(merged?["d"]?.location == .init("a.yaml", line: 2, column: 17))
    }

    @Test("A document that aliases blow up ends in an error, soon")
    func billionLaughs() {
        var text = "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...30 {
            text +=
                "l\(level): &l\(level) ["
                + Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
            text += "]\n"
        }
        #expect(failure(text).contains("more than 100000 values"))
        var merging = "l0: &l0 {a: 1}\n"
        for level in 1...30 {
            let aliases = Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
            merging += "l\(level): &l\(level) {<<: [\(aliases)]}\n"
        }
        #expect(failure(merging).contains("more than 100000 values"))
    }

    @Test("Depth is limited, through aliases too")
    func depth() {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        #expect(throws: Never.self) { try read(nested(64)) }
        #expect(failure(nested(65)) == "a.yaml:1:65: nested in more than 64 levels")
        #expect(
            failure("a: &x \(nested(40))\nb: \(String(repeating: "[", count: 30))*x").contains("64 levels"))
        let duration = ContinuousClock().measure {
            #expect(failure(String(repeating: "[", count: 1 << 20)).contains("64 levels"))
            #expect(failure(String(repeating: "- ", count: 1 << 19)).contains("64 levels"))
            #expect(failure(String(repeating: "{a: ", count: 1 << 18)).contains("64 levels"))
        }
        #expect(duration < .seconds(10))
    }

    @Test("A key given twice is refused, and both places named")
    func duplicateKeys() {
        #expect(
            failure("a: 1\nb:\n  c: 1\n  'c': 2\n")
                == "a.yaml:4:3: the key 'c' was given before, at a.yaml:3:3")
    }

    @Test(
        "What is no single plain document is refused where it goes wrong",
        arguments: [
            ("a: 1\n---\nb: 2\n", "a.yaml:2:1: a second document begins here"),
            ("a: !python/object x\n", "a.yaml:1:4: the tag '!python/object'"),
            ("a: !!map [1]\n", "a.yaml:1:4: the tag 'tag:yaml.org,2002:map'"),
            ("a: !!binary aGk=\n", "a.yaml:1:4: the tag 'tag:yaml.org,2002:binary'"),
            ("a:\n\tb: 1\n", "a.yaml:2:1: found character that cannot start any token"),
            ("a: [1, 2\nb: 3\n", "a.yaml:2:2: did not find expected ',' or ']'"),
            ("a: 'x\n", "a.yaml:2:1: found unexpected end of stream"),
            ("a: 1\n b: 2\n", "a.yaml:2:3: mapping values are not allowed"),
            ("a: 1\nb: x\u{0}y\n", "a.yaml:2:5: control characters are not allowed"),
            ("a: \"x\\0y\"\n", "a.yaml:1:4: a text has a NUL character"),
            ("? [a]\n: 1\n", "a.yaml:1:3: expected a key"),
            ("~: 1\n", "a.yaml:1:1: expected a key"),
            ("a: &x b\n*x : 1\n", "a.yaml:2:1: expected a key"),
            (
                "a: &x 1\nc:\n  <<: *x\n",
                "a.yaml:3:3: <<: expected a mapping or a list of mappings, found '1'"
            ),
            (
                "c: {<<: [{a: 1}, [b]]}\n",
                "a.yaml:1:5: <<: expected a mapping or a list of mappings, found a list"
            ),
            ("<<:\n", "a.yaml:1:1: <<: expected a mapping or a list of mappings, found null"),
            ("<<: {a: 1}\n<<: {b: 1}\n", "a.yaml:2:1: the key '<<' was given before"),
        ])
    func refused(text: String, message: String) {
        #expect(failure(text).hasPrefix(message), "\(failure(text))")
    }

    @Test("Bytes that are no UTF-8 are refused at their place")
    func invalidUTF8() {
        func failure(_ bytes: [UInt8]) -> String {
            do { return "\(try YAMLReader.read(bytes, source: "a.yaml"))" } catch { return "\(error)" }
        }
        #expect(
            failure(Array("a: 1\nü: ".utf8) + [0xFF]).hasPrefix("a.yaml:2:4: invalid leading UTF-8 octet"))
        #expect(failure(Array("a: ".utf8) + [0xC3]).hasPrefix("a.yaml:1:4: incomplete UTF-8 octet sequence"))
        #expect(failure([0xFF, 0xFE, 0x61, 0x00]).hasPrefix("a.yaml:1:1: invalid leading UTF-8 octet"))
        #expect(
            failure(Array("\u{FEFF}a: ]".utf8)).hasPrefix("a.yaml:1:4: did not find expected node content"))
    }

    @Test("A text larger than a mebibyte is refused, one as large is read")
    func size() throws {
        let comment = "#" + String(repeating: "x", count: (1 << 20) - 1)
        #expect(try read(comment).content == .null)
        #expect(failure(comment + "x") == "a.yaml: larger than 1 MiB")
    }

    @Test("A file that cannot be read is one clear error")
    func files() {
        func failure(_ path: String) -> String {
            do { return "\(try YAMLReader.read(file: path))" } catch { return "\(error)" }
        }
        #expect(failure("/nowhere/a.yaml") == "/nowhere/a.yaml: cannot be opened: No such file or directory")
        #expect(failure("/") == "/: is no regular file")
        #expect(failure("/dev/zero") == "/dev/zero: is no regular file")
    }

    @Test("A pipe that nobody writes to, or a file of any size, is refused at once")
    func waits() throws {
        let directory = try TemporaryDirectory()
        let (pipe, huge) = ("\(directory.path)/pipe", "\(directory.path)/huge")
        try #require(mkfifo(pipe, 0o600) == 0)
        try AtomicFile.write("", to: huge)
        try #require(truncate(huge, 1 << 40) == 0)
        for (path, reason) in [(pipe, "is no regular file"), (huge, "larger than 1 MiB")] {
            let error = #expect(throws: ConfigurationErrors.self) { try YAMLReader.read(file: path) }
            #expect(error?.description == "\(path): \(reason)")
        }
    }

    @Test("Any bytes at all end in a value or an error")
    func garbage() {
        var generator = SplitMix(seed: 7)
        let alphabet = Array("ab:- \n\t[]{},&*!|>'\"%@`#?~<0.\\\u{0}ü".utf8) + [0xFF, 0xC3]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator)!
            }
            do { _ = try YAMLReader.read(bytes, source: "a.yaml") } catch { #expect(!error.errors.isEmpty) }
        }
    }
}
