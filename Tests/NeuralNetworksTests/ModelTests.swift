import CPUEngine
import NeuralNetworks
import TensorEngine
import Testing

@Suite("Models")
struct ModelTests {
    @Test("A recomputed pass changes no running estimate twice, and eval mode none")
    func runningEstimates() throws {
        let backend = try CPUBackend(threads: 1)
        let builder = LayoutBuilder()
        let norm = BatchNorm(builder.root, channels: 2)
        let state = try builder.layout.initialState(on: backend, .float64, from: RandomStream(seed: 1))
        let x = backend.normal([5, 2], .float64, from: RandomStream(seed: 2))
        func updated(_ mode: NormalizationMode, passes: Int) throws -> [[Double]] {
            let updates = BufferUpdates()
            let context = ForwardContext(state, normalization: mode, updates: updates)
            for _ in 0..<passes { _ = try norm(x, context) }
            return try updates.updated(state.buffers).map { try $0.doubles() }
        }
        let once = try updated(.batch, passes: 1)
        #expect(try updated(.batch, passes: 2) == once)
        #expect(once != [[0, 0], [1, 1]])
        #expect(try updated(.running, passes: 1) == [[0, 0], [1, 1]])
    }

    @Test("What a tensor begins as depends on its name and the seed, not on the others")
    func initialValues() throws {
        let backend = try CPUBackend(threads: 1)
        func values(_ names: [String], seed: UInt64) throws -> [String: [Double]] {
            let builder = LayoutBuilder()
            for name in names { _ = Linear(builder.root[name], inputs: 4, outputs: 3) }
            let state = try builder.layout.initialState(on: backend, .float64, from: RandomStream(seed: seed))
            return try Dictionary(
                uniqueKeysWithValues: zip(builder.layout.parameters, state.parameters).map {
                    ($0.name, try $1.doubles())
                })
        }
        let (one, more) = (try values(["b"], seed: 1), try values(["a", "b"], seed: 1))
        #expect(one["b.weight"] == more["b.weight"])
        #expect(more["a.weight"] != more["b.weight"])
        #expect(try values(["b"], seed: 2)["b.weight"] != one["b.weight"])
        #expect(try #require(one["b.weight"]).allSatisfy { abs($0) <= 0.5 })
    }
}
