import Datasets
import ErrataCore
import LFM
import Multilevel
import NeuralNetworks
import SearchTesting
import TensorEngine
import Testing
import TinySpaces

@Suite("The driver of a search")
struct ArchitectureSearchTests {
    @Test("Twins compute what one does alone, bit for bit")
    func ranks() throws {
        func after(_ communicator: any Communicator) throws -> [[Double]] {
            try TinySearch {
                $0.communicator = communicator
                $0.hypergradient = ExactHypergradient()
                $0.dcgan.training.order = .alternating
                $0.dcgan.training.accumulation = 2
                $0.dcgan.training.average = 0.5
                $0.validationLabels = { _ in [0, 1, 0, 1, 0, 1] }
            }.run(2).last!.everything()
        }
        #expect(try after(Twins()) == after(Alone()))
    }

    @Test("A later stage goes on with what survives stages, and begins all else anew")
    func stages() throws {
        func check(_ survivors: Set<ValueID>, _ change: (inout TinySearch) -> Void) throws {
            let tiny = try TinySearch {
                $0.dcgan.training.average = 0.9
                change(&$0)
            }
            let earlier = try tiny.run(2).last!
            let state = try tiny.search().state(after: earlier, on: tiny.backend, tiny.dtype)
            let fresh = try tiny.initialState()
            func values(_ model: Model) throws -> [[Double]] {
                let tensors = model.state.parameters + model.state.buffers + (model.average ?? [])
                return try (tensors + model.optimizer.slots.flatMap(\.self)).map { try $0.doubles() }
            }
            for id in state.models.keys {
                let expected = survivors.contains(id) ? earlier[id] : fresh[id]
                #expect(try values(state[id]) == values(expected), "\(id)")
                #expect(state[id].optimizer.count == expected.optimizer.count, "\(id)")
            }
            #expect(try state.alphas() == fresh.alphas() && state.architecture.optimizer.count == 0)
            #expect(state.step == 2 && state.memory == fresh.memory)
        }
        try check([.generator]) { _ in }
        try check([.generator, .discriminator]) { $0.dcgan.discriminator = .native }
        try check([]) { ($0.dcgan.discriminator, $0.lfm.generatorBetweenStages) = (.native, .fresh) }
    }

    @Test("A space's penalty is part of what A descends, and reported")
    func penalty() throws {
        func reported(price: Double) throws -> (metrics: [String: Double], alphas: [[Double]]) {
            let tiny = try TinySearch { tiny in
                tiny.widened = { _ in ChainSpace(price: price) }
                tiny.architecture = Descent(rate: 1, SGD())
            }
            var state = try tiny.initialState()
            return (try tiny.step(&state), try state.alphas())
        }
        let (free, priced) = (try reported(price: 0), try reported(price: 0.01))
        let penalty = try #require(priced.metrics["architecture_penalty"])
        #expect(penalty > 0 && free.metrics["architecture_penalty"] == 0)
        #expect(
            abs(priced.metrics["architecture_loss"]! - free.metrics["architecture_loss"]! - penalty) < 1e-12)
        #expect(priced.alphas != free.alphas)
    }

    @Test("The dominant eigenvalue is that of the Hessian by central differences of the gradient")
    func eigenvalue() throws {
        let tiny = try TinySearch { ($0.space.nodes, $0.space.initialDeviation) = (1, 0.5) }
        let state = try tiny.run(1)[0]
        let search = try tiny.search()
        let batches = try tiny.batches(1)
        let found = try search.dominantEigenvalue(
            state, on: batches, at: tiny.time(1), StoppingRule(iterations: 300, tolerance: 1e-10))

        let a = state.architecture.state.parameters
        func gradient(_ moved: [Double]) throws -> [Double] {
            var state = state
            var rest = moved[...]
            state.architecture.state.parameters = try a.map { tensor in
                defer { rest = rest.dropFirst(tensor.count) }
                return try tiny.backend.tensor(Array(rest.prefix(tensor.count)), tensor.shape)
            }
            let problem = try search.problem(state, batches, tiny.time(1))
            return try FirstOrderHypergradient().gradient(of: problem, at: problem.start).gradient.flatMap {
                try $0.doubles()
            }
        }
        let values = try a.flatMap { try $0.doubles() }
        let h = 1e-5
        let hessian = try values.indices.map { index in
            var (ahead, behind) = (values, values)
            ahead[index] += h
            behind[index] -= h
            return try zip(gradient(ahead), gradient(behind)).map { ($0 - $1) / (2 * h) }
        }
        var vector = values.indices.map { 1 + Double($0 % 3) }
        var eigenvalue = 0.0
        for _ in 0..<2000 {
            let image = hessian.map { zip($0, vector).reduce(0) { $0 + $1.0 * $1.1 } }
            let norm = image.reduce(0) { $0 + $1 * $1 }.squareRoot()
            eigenvalue =
                zip(image, vector).reduce(0) { $0 + $1.0 * $1.1 }
                / vector.reduce(0) { $0 + $1 * $1 }
            vector = image.map { $0 / norm }
        }
        #expect(abs(eigenvalue) > 1e-6)
        #expect(abs(found - eigenvalue) < 1e-4 * abs(eigenvalue), "\(found), \(eigenvalue)")
    }

    @Test("Every classifier is judged at an epoch's end by its running statistics")
    func performances() throws {
        let tiny = try TinySearch()
        let search = try tiny.search()
        let state = try tiny.run(2).last!
        let batch = try tiny.batch("validation", 0, labels: [0, 1, 2, 2])
        let found = try search.performances(state, on: OneBatch(batch: batch), at: TrainingTime())
        #expect(found.map(\.id) == [.w1, .w2])
        for (id, performance) in found {
            let loss = try search.supernet.logits(
                batch.images, architecture: state.architecture.state.parameters,
                ForwardContext(state[id].state, normalization: .running)
            ).crossEntropy(batch.labels).item()
            #expect(abs(performance.loss - loss) < 1e-12 && performance.classes.map(\.count) == [1, 1, 2])
        }
    }

    @Test("What is reported and was not declared is refused by name")
    func undeclared() throws {
        let tiny = try TinySearch { tiny in
            tiny.method = { context in Undeclaring(method: LearningByIgnoring(context: context)) }
            tiny.widened = { IgnoringSpace(space: $0, classes: 3) }
        }
        #expect {
            _ = try tiny.run(1)
        } throws: {
            "\($0)".contains("'distance' is reported but not declared")
        }
    }
}

private struct OneBatch: BatchSource {
    let batch: Batch
    var batchesPerEpoch: Int { 1 }

    func batch(step: Int) -> Batch { batch }
}

/// A method that declares less than it reports.
private struct Undeclaring: SearchMethod {
    let method: LearningByIgnoring
    var models: [ModelDeclaration] { method.models }
    var batches: [BatchRequest] { method.batches }
    var metrics: [MetricDeclaration] { method.metrics.filter { $0.name != "distance" } }
    var occurrences: [String] { method.occurrences }
    var classifiers: [ValueID] { method.classifiers }

    func problem(of step: SearchStep) throws -> MultilevelProblem { try method.problem(of: step) }
}
