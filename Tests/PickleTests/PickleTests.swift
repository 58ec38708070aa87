import Foundation
import Pickle
import Testing

@Suite("Pickles, as Python writes them")
struct PickleTests {
    private static func fixture(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "pickle"))
        return Array(try Data(contentsOf: url))
    }

    /// A value as Python would print it, a few levels deep.
    private func text(_ value: PickleValue, depth: Int = 6) -> String {
        guard depth > 0 else { return "…" }
        func list(_ values: [PickleValue]) -> String {
            values.map { text($0, depth: depth - 1) }.joined(separator: ", ")
        }
        switch value.content {
        case .none: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .integer(let value): return "\(value)"
        case .number(let value): return "\(value)"
        case .text(let value): return value.debugDescription
        case .bytes(let value): return "b\(value)"
        case .list(let values): return "[\(list(values))]"
        case .tuple(let values): return "(\(list(values)))"
        case .set(let values): return "{\(list(values))}"
        case .dictionary(let entries):
            return "{"
                + entries.map { "\(text($0.key, depth: depth - 1)): \(text($0.value, depth: depth - 1))" }
                .joined(separator: ", ") + "}"
        }
    }

    @Test("The same data by every protocol", arguments: 0...5)
    func protocols(_ version: Int) throws {
        let value = try PickleReader.read(Self.fixture("protocol-\(version)"))
        let expected = [
            "\"none\": None", "\"truth\": [True, False]",
            "\"integers\": [0, 255, 65535, -1, -2147483648, 1099511627776, -9223372036854775808, 9223372036854775807]",
            "\"numbers\": [0.5, -1e+300, inf]", "\"empty\": \"\"", "\"bytes\": b[0, 255, 10]",
            "\"tuples\": [(), (1), (1, 2), (1, 2, 3), (1, 2, 3, 4)]", "\"set\": {7}", "\"frozen\": {8}",
            "\"ordered\": {\"b\": 1, \"a\": (2.5, None)}", "\"twice\": [[1, 2], [1, 2]]",
            "\"numpy\": [1.25, -0.5, -7, True]", "(\"key\", 3): {1: {2: {}}}", "\"cycle\": [[[[[…]]]]]",
        ]
        let found = text(value)
        for part in expected { #expect(found.contains(part), "\(part) in \(found)") }
        #expect(value["text"]?.text == "naïve ☃ 😀 'q' \\ \n")
        #expect(value.entries?.count == 15 && value["missing"] == nil)
        #expect(
            value["integers"]?.elements?[1].integer == 255 && value["numbers"]?.elements?[0].number == 0.5)
    }

    @Test("What names code is refused, and by name", arguments: [0, 2, 4])
    func harmful(_ version: Int) throws {
        let error = #expect(throws: PickleError.self) {
            try PickleReader.read(Self.fixture("harmful-\(version)"))
        }
        #expect(
            error?.description.contains("the name 'posix.system' of code") == true,
            "\(error?.description ?? "")")
    }

    @Test(
        "What is no pickle of plain data",
        arguments: [
            ("", "byte 0: the end"), ("N", "byte 1: the end"), (".", "no value"), ("NN.", "values left over"),
            ("(.", "no value"), ("Na.", "no value"), ("NNa.", "elements added to what is no list"),
            ("}Ns.", "no value"), ("(NNNd.", "entries added to what is no dictionary"),
            ("h\u{1}.", "place 1 of the memo"),
            ("X\u{5}\u{0}\u{0}\u{0}ab.", "5 bytes, expected at most the 3"),
            ("I12x\n.", "'12x', expected a number"),
            ("ccollections\nOrderedDict\n.", "a name of code among the values"),
            ("ccollections\nOrderedDict\n\u{0085}.", "0xc2"),
            ("(ccollections\nOrderedDict\nt.", "a name of code among the values"),
            ("ccollections\nOrderedDict\n(Nt}b.", "the state of an object"),
            ("NNR.", "a call of what is no function"),
            ("c__builtin__\nset\n(NtR.", "a call of __builtin__.set with other arguments"),
            ("c__builtin__\neval\n.", "'__builtin__.eval'"), ("t.", "no mark"),
            ("\u{7F}.", "the instruction 0x7f"),
        ])
    func malformed(_ text: String, _ message: String) {
        let error = #expect(throws: PickleError.self) { try PickleReader.read(Array(text.utf8)) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("More values than the limit are refused, of repeated ones too")
    func limit() throws {
        let many = Array("(".utf8) + Array(repeating: UInt8(ascii: "N"), count: 100) + Array("t.".utf8)
        #expect(throws: PickleError.self) { try PickleReader.read(many, limit: 50) }
        #expect(try PickleReader.read(many, limit: 101).elements?.count == 100)
        // A list of ten lists, each ten times the one before: a hundred values that say ten to the tenth.
        var bomb = Array("]q\u{0}".utf8)
        for level in 0..<10 {
            bomb += Array("(".utf8)
            for _ in 0..<10 { bomb += [UInt8(ascii: "h"), UInt8(level)] }
            bomb += Array("lq".utf8) + [UInt8(level + 1)]
        }
        bomb += Array("1".utf8)
        #expect(throws: PickleError.self) { try PickleReader.read(bomb) }
    }

    @Test("Changed bytes end in an error or a value, never otherwise")
    func fuzz() throws {
        var state: UInt64 = 9
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let rounds = ProcessInfo.processInfo.environment["ERRATA_FUZZ"].flatMap { Int($0) } ?? 300
        for version in 0...5 {
            let sound = try Self.fixture("protocol-\(version)")
            for _ in 0..<rounds {
                var bytes = sound
                for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
                if random(4) == 0 { bytes.removeLast(random(bytes.count)) }
                if let value = try? PickleReader.read(bytes) { _ = text(value) }
            }
        }
    }

    @Test("bzip2 data cut short, damaged or too long")
    func bzip2() throws {
        let sound: [UInt8] = [
            0x42, 0x5A, 0x68, 0x39, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0, 0, 0, 0,
        ]
        #expect(try Bzip2.decompressed(sound) == [])
        #expect(try Bzip2.decompressed(sound + sound) == [])
        for count in 0..<sound.count {
            #expect(throws: PickleError.self) { try Bzip2.decompressed(Array(sound[..<count])) }
        }
        #expect(throws: PickleError.self) { try Bzip2.decompressed(sound + [1]) }
    }
}
