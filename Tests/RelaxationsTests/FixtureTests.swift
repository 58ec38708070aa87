import CPUEngine
import ErrataCore
import Foundation
import NeuralNetworks
import Relaxations
import TensorEngine
import Testing

@Suite("Reparameterised weights and gradients, against PyTorch")
struct FixtureTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    private struct Gumbel: Decodable {
        struct Case: Decodable {
            let temperature: Double
            let weights, gradient: [Double]
        }
        let alpha, uniform, factors: [Double]
        let cases: [Case]
    }

    @Test("Gumbel softmax: weights and gradients at the fixture's noise")
    func gumbel() throws {
        let fixture = try fixture("gumbel", as: Gumbel.self)
        let shape: Shape = [3, 5]
        let noise = try backend.tensor(fixture.uniform.map { -log(-log($0)) }, shape)
        let factors = try backend.tensor(fixture.factors, shape)
        for expected in fixture.cases {
            let alpha = try backend.tensor(fixture.alpha, shape).variable
            let weights = try alpha.gumbelSoftmax(noise, temperature: expected.temperature)
            #expect(distance(try weights.doubles(), expected.weights) < 1e-12)
            let gradient = try gradients(of: (weights * factors).sum(), withRespectTo: [alpha])[0].doubles()
            #expect(distance(gradient, expected.gradient) < 1e-11)
        }
    }

    private struct Dirichlet: Decodable {
        struct Gamma: Decodable { let shape, uniform, logarithm, gradient: Double }
        struct Point: Decodable { let concentration, point, gradient: [Double] }
        struct Divergence: Decodable {
            let concentration: [Double]
            let value: Double
            let gradient: [Double]
        }
        let gammas: [Gamma]
        let points: [Point]
        let divergences: [Divergence]
    }

    @Test("Gamma variables and their gradients in the shape")
    func gamma() throws {
        for expected in try fixture("dirichlet", as: Dirichlet.self).gammas {
            let found = GammaQuantile(expected.uniform, shape: expected.shape).derivatives
            let scale = max(abs(expected.logarithm), 1)
            #expect(abs(found[0] - expected.logarithm) < 1e-9 * scale, "\(expected)")
            // PyTorch approximates this gradient to some 5·10⁻⁴.
            #expect(abs(found[1] - expected.gradient) < 2e-3 * abs(expected.gradient), "\(expected)")
            func value(_ shape: Double) -> [Double] {
                GammaQuantile(expected.uniform, shape: shape).derivatives
            }
            let h = 1e-5 * expected.shape
            for order in 0...1 {
                let slope =
                    (value(expected.shape + h)[order] - value(expected.shape - h)[order]) / (2 * h)
                #expect(abs(found[order + 1] - slope) < 1e-5 * max(abs(slope), 1), "\(expected), \(order)")
            }
        }
    }

    /// A draw of normalised gamma variables keeps their sum S, which PyTorch's gradient has integrated out: given the
    /// point, S is a gamma variable of the total, and the mean of dg/da/S over it is PyTorch's factor.
    @Test("The gradient of a Dirichlet draw, its sum integrated out, is that of PyTorch's rsample")
    func dirichlet() throws {
        for expected in try fixture("dirichlet", as: Dirichlet.self).points {
            let total = expected.concentration.reduce(0, +)
            let steps = 400
            var means = expected.point.map { _ in 0.0 }
            for step in 0..<steps {
                let u = (Double(step) + 0.5) / Double(steps)
                let sum = exp(GammaQuantile(u, shape: total).derivatives[0])
                for (index, (point, shape)) in zip(expected.point, expected.concentration).enumerated() {
                    let slope = GammaQuantile(at: log(point * sum), shape: shape).derivatives[1]
                    means[index] += point * slope / Double(steps)
                }
            }
            for (found, gradient) in zip(means, expected.gradient) {
                #expect(abs(found - gradient) < 0.01 * abs(gradient), "\(expected)")
            }
        }
    }

    @Test("The divergence from the even distribution, with its gradient")
    func divergence() throws {
        for expected in try fixture("dirichlet", as: Dirichlet.self).divergences {
            // Above 1 the concentration is α + 1, below it is e^α.
            let alpha = try backend.tensor(
                expected.concentration.map { $0 > 1 ? $0 - 1 : log($0) }, [1, 3]
            ).variable
            var relaxation = DirichletRelaxation()
            relaxation.anchor = 0.5
            let penalty = try #require(try relaxation.penalty([alpha], at: .init()))
            #expect(abs(try penalty.item() - 0.5 * expected.value) < 1e-12)
            let gradient = try gradients(of: penalty, withRespectTo: [alpha])[0].doubles()
            let chained = zip(expected.gradient, expected.concentration).map { 0.5 * $0 * min($1, 1) }
            #expect(distance(gradient, chained) < 1e-11)
        }
    }
}
