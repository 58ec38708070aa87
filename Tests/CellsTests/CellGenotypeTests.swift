import ErrataCore
import Testing

@Suite("Genotypes")
struct GenotypeTests {
    /// As published with DARTS's code.
    private let published = """
        Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
        ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], \
        normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), \
        ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), \
        ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])
        """
    private let small = Genotype(
        normal: .init(edges: [.init("a", 0), .init("b", 1)]),
        reduction: .init(edges: [.init("a", 1), .init("a", 0)]))

    private func failure(_ text: String) -> String {
        do { return "read as \(try Genotype(parsing: text))" } catch { return "\(error)" }
    }

    @Test("DARTS_V2 reads as published, and is written as published")
    func darts() throws {
        let genotype = try Genotype(parsing: published)
        #expect(
            genotype.normal.edges.map(\.operation) == [
                "sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3",
                "skip_connect", "skip_connect", "dil_conv_3x3",
            ])
        #expect(genotype.normal.edges.map(\.input) == [0, 1, 0, 1, 1, 0, 0, 2])
        #expect(genotype.reduction.edges.map(\.input) == [0, 1, 2, 1, 0, 2, 2, 1])
        #expect(genotype.reduction.concatenation == [2, 3, 4, 5])
        #expect(genotype.description == published)
    }

    @Test("Ranges, either quotes, line breaks, trailing commas and a name before it are the same genotype")
    func forms() throws {
        let text = """
            SMALL_1 = Genotype(
                normal = [("a", 0), ('b', 1,),],
                normal_concat=range(2, 3),
                reduce=[("a", 1), ("a", 0)],
                reduce_concat=[2]
            )
            """
        #expect(try Genotype(parsing: text) == small)
        #expect(try Genotype(parsing: "Genotype(normal=[('a',0),('b',1)],reduce=[('a',1),('a',0)])") == small)
    }

    @Test(
        "Errors stand at their line and column",
        arguments: [
            ("", "1:1: expected '(', found the end"),
            ("Genotype(normal=[('a', 0)\n  ('b', 1)])", "2:3: expected ']', found '('"),
            ("Genotype(normal=[(a, 0)])", "1:19: expected a quoted name"),
            ("Genotype(normal=[('a, 0)])", "1:19: a quote is not closed"),
            ("Genotype(normal=[('a', x)])", "1:24: expected a whole number"),
            ("Genotype(normal=[('a', 99999999999999999999)])", "expected a whole number"),
            ("Genotype(normal=[], normal=[])", "'normal' is given twice"),
            ("Genotype(norm=[])", "'norm' is none of"),
            ("Genotype(normal_concat=range(2, 2000000000))", "no range of states"),
            ("Genotype(normal=[('a', 0), ('b', 1)])", "'reduce' is missing"),
            ("Genotype(normal=[('a', 0), ('b', 1)], reduce=[('a', 0), ('b', 2)])", "edge 1 of reduce takes"),
            ("Genotype(normal=[('a', 0)], reduce=[('a', 0), ('b', 1)])", "normal has 1 edges"),
            ("Genotype(normal=[('a', 0), ('b', 1)], normal_concat=[3], reduce=[])", "normal_concat is [3]"),
        ])
    func errors(text: String, message: String) {
        #expect(failure(text).contains(message), "\(failure(text))")
    }

    @Test("Validation names what is wrong")
    func validation() {
        func failure(_ change: (inout Genotype) -> Void) -> String {
            var genotype = small
            change(&genotype)
            do { try genotype.validate(operations: ["a", "b"]) } catch { return "\(error)" }
            return ""
        }
        #expect(failure { _ in } == "")
        #expect(
            failure { $0.normal.edges[1].operation = "c" }.contains(
                "edge 1 of normal is 'c', expected one of a, b"))
        #expect(failure { $0.reduction.edges[0].input = 2 }.contains("edge 0 of reduce takes state 2"))
        #expect(failure { $0.reduction.edges[0].input = -1 }.contains("takes state -1"))
        #expect(failure { $0.normal.concatenation = [] }.contains("normal_concat is []"))
        #expect(failure { $0.normal.concatenation = [2, 2] }.contains("normal_concat is [2, 2]"))
        #expect(failure { $0.normal.edges = [] }.contains("0 edges"))
    }

    @Test("As a configuration value it reads back, as lists and as text")
    func configuration() throws {
        let genotype = try Genotype(parsing: published)
        #expect(try Genotype(decoding: genotype.encoded) == genotype)
        #expect(try Genotype(decoding: .string(published)) == genotype)
        #expect(
            genotype.encoded["reduce"]
                == .sequence(
                    genotype.reduction.edges.map {
                        .sequence([.string($0.operation), .literal("\($0.input)")])
                    }))
        let spoilt = ConfigurationValue.mapping([
            .init("normal", .sequence([.sequence([.string("a")])]), at: .init("g.yaml", line: 1, column: 1)),
            .init("reduced", .null),
        ])
        let error = #expect(throws: ConfigurationErrors.self) { try Genotype(decoding: spoilt) }
        #expect(error?.errors.map(\.path) == ["normal[0]", "reduced"])
        #expect(error?.errors[1].message.contains("did you mean 'reduce'?") == true)
    }

    @Test("The drawing has an arrow for each edge and each concatenated state")
    func drawing() throws {
        let cell = try Genotype(parsing: published).normal
        let graph = cell.graph(named: "normal")
        #expect(graph.hasPrefix("digraph normal {") && graph.hasSuffix("}\n"))
        let arrows = graph.split(separator: "\n").filter { $0.contains("->") }
        #expect(arrows.count == 12)
        #expect(arrows[7].contains("\"0\" -> \"3\" [label=\"dil_conv_3x3\"]"))
        #expect(arrows[5].contains("\"c_{k-2}\" -> \"2\" [label=\"skip_connect\"]"))
    }
}
