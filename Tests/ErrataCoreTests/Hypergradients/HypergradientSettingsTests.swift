import ErrataCore
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
        let steps = ConfigurationValue.Entry("unroll_steps", .literal("2"))
        let held = ConfigurationValue.Entry("clip", .literal("constant"))
        let exact = try #require(try made("exact", [steps, paths, held]) as? ExactHypergradient)
        #expect(exact.settings.unrollSteps == 2 && exact.settings.clip == .constant)
        #expect(exact.settings.paths == ["direct", "class_weights"] && exact.innerSteps == 2)

        let differences = try #require(
            try made("finite-difference", [steps, paths, held, .init("scale", .literal("0.1"))])
                as? FiniteDifferenceHypergradient)
        #expect(differences.settings.unrollSteps == 2 && differences.settings.clip == .constant)
        #expect(differences.settings.paths?.count == 2 && differences.settings.scale == 0.1)

        let solving: [ConfigurationValue.Entry] = [
            .init("iterations", .literal("7")), .init("tolerance", .literal("0.5")),
            .init("damping", .literal("0.25")), .init("inner_steps", .literal("3")), paths,
        ]
        let series = try #require(
            try made("neumann", solving + [.init("rate", .literal("2"))]) as? NeumannHypergradient)
        #expect(series.settings.iterations == 7 && series.settings.tolerance == 0.5)
        #expect(series.settings.damping == 0.25 && series.innerSteps == 3 && series.settings.rate == 2)
        #expect(series.settings.paths?.count == 2)
        let solver = try #require(
            try made("conjugate-gradient", solving) as? ConjugateGradientHypergradient)
        #expect(solver.settings.iterations == 7 && solver.settings.tolerance == 0.5)
        #expect(solver.settings.damping == 0.25 && solver.innerSteps == 3)
        #expect(solver.settings.paths?.count == 2)
    }

    @Test("A path that there is not, no path at all, and no step are errors")
    func wrong() {
        let unknown = failure("exact", [.init("paths", .sequence([.literal("w3")]))])
        #expect(unknown.contains("paths[0]") && unknown.contains("class_weights"), "\(unknown)")
        #expect(failure("exact", [.init("paths", .sequence([]))]).contains("not empty"))
        #expect(failure("exact", [.init("unroll_steps", .literal("0"))]).contains("≥ 1"))
        #expect(failure("finite-difference", [.init("scale", .literal("0"))]).contains("> 0"))
    }
}
