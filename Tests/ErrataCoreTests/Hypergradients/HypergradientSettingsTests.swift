import ErrataCore
import Multilevel
import Testing

@Suite("The settings of hypergradients")
struct HypergradientSettingsTests {
    private func made(_ name: String, _ settings: [ConfigurationValue.Entry]) throws -> any Hypergradient {
        let selection = ComponentSelection(name, settings: .mapping(settings))
        return try PluginRegistry().hypergradients.resolve(selection).make(())
    }

    private func failure(_ name: String, _ settings: [ConfigurationValue.Entry]) -> String {
        do { return "made \(try made(name, settings))" } catch { return "\(error)" }
    }

    private let paths = ConfigurationValue.Entry(
        "paths", .sequence([.literal("direct"), .literal("class_weights")]))

    @Test("Each reaches its method")
    func settings() throws {
        let held = ConfigurationValue.Entry("clip", .literal("constant"))
        let kept: Set = ["direct", "class_weights"]
        let exact = try #require(
            try made("exact", [paths, held, .init("checkpointing", .literal("true"))]) as? ExactHypergradient)
        #expect(exact.paths == kept && exact.clip == .constant && exact.checkpointing)

        let differences = try #require(
            try made("finite-difference", [paths, held, .init("scale", .literal("0.1"))])
                as? FiniteDifferenceHypergradient)
        #expect(differences.paths == kept && differences.clip == .constant && differences.scale == 0.1)

        let solving: [ConfigurationValue.Entry] = [
            .init("iterations", .literal("7")), .init("tolerance", .literal("0.5")),
            .init("damping", .literal("0.25")), paths,
        ]
        let stopping = StoppingRule(iterations: 7, tolerance: 0.5)
        let series = try #require(
            try made("neumann", solving + [.init("rate", .literal("2"))]) as? NeumannHypergradient)
        #expect(series.stopping == stopping && series.damping == 0.25 && series.rate == 2)
        #expect(series.paths == kept)
        let solver = try #require(
            try made("conjugate-gradient", solving) as? ConjugateGradientHypergradient)
        #expect(solver.stopping == stopping && solver.damping == 0.25 && solver.paths == kept)
        #expect(try made("first-order", []) is FirstOrderHypergradient)
    }

    @Test("All paths are kept by default")
    func everyPath() throws {
        for name in ["exact", "finite-difference", "neumann", "conjugate-gradient"] {
            #expect(try made(name, []).paths == nil, "\(name)")
        }
    }

    @Test("No path at all, steps, which are the levels' own, and values out of bounds are errors")
    func wrong() {
        #expect(failure("exact", [.init("paths", .sequence([]))]).contains("not empty"))
        #expect(failure("exact", [.init("unroll_steps", .literal("2"))]).contains("unknown key"))
        #expect(failure("neumann", [.init("inner_steps", .literal("2"))]).contains("unknown key"))
        #expect(failure("finite-difference", [.init("scale", .literal("0"))]).contains("> 0"))
        #expect(failure("neumann", [.init("rate", .literal("0"))]).contains("> 0"))
        #expect(failure("conjugate-gradient", [.init("iterations", .literal("0"))]).contains("iterations"))
    }
}
