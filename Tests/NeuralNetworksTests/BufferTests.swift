import CPUEngine
import NeuralNetworks
import Synchronization
import TensorEngine
import Testing

/// x·w/σ with σ an estimate of w's largest singular value, one power iteration a pass (Miyato et al., 2018): a layer
/// with a buffer that its module has never heard of.
private struct SpectralLinear {
    let weight: Parameter
    let direction: Buffer

    init(_ scope: Scope, inputs: Int, outputs: Int) {
        weight = scope.parameter("weight", [inputs, outputs], .normal(mean: 0, deviation: 1))
        direction = scope.buffer("direction", [outputs, 1], .ones)
    }

    /// [N, inputs] → [N, outputs].
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        func normalized(_ x: Tensor) throws -> Tensor { try x / x.squared().sum().squareRoot() }
        let w = context[weight]
        let left = try normalized(w.detached.matmul(context[direction]))
        let right = try normalized(w.detached.transposed([1, 0]).matmul(left))
        if context.isTraining { context.update(direction) { right } }
        return try x.matmul(w) / (left * w.matmul(right)).sum()
    }
}

/// Counts the passes, and how often somebody asks.
private final class Counter: Sendable {
    let count: Buffer
    private let mutex = Mutex(0)
    var readings: Int { mutex.withLock { $0 } }

    init(_ scope: Scope) { count = scope.buffer("count", [1], .zeros) }

    func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
        context.update(count) {
            self.mutex.withLock { $0 += 1 }
            return try context[self.count] + 1
        }
        return x
    }
}

@Suite("Buffers")
struct BufferTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    private func state(_ builder: LayoutBuilder) throws -> ModelState {
        try builder.layout.initialState(on: backend, .float64, from: RandomStream(seed: 3))
    }

    @Test("A layer of another module keeps a buffer from step to step, which no gradient reaches")
    func spectralNorm() throws {
        let builder = LayoutBuilder()
        let layer = SpectralLinear(builder.root["layer"], inputs: 2, outputs: 2)
        #expect(builder.layout.buffers.map(\.name) == ["layer.direction"])
        var state = try state(builder)
        // Its singular values are 3 and 1.
        state.parameters = [try backend.tensor([1.0, 2, 2, 1], [2, 2])]
        let x = try backend.tensor([1.0, 0], [1, 2])
        state.buffers = [try backend.tensor([1.0, 0], [2, 1])]
        var first: [Double]?
        for _ in 0..<40 {
            let updates = BufferUpdates()
            let variables = state.variables
            let y = try layer(x, ForwardContext(variables, updates: updates))
            first = try first ?? y.doubles()
            _ = try gradients(of: y.sum(), withRespectTo: variables.parameters)
            state.buffers = try updates.updated(state.buffers)
            #expect(!state.buffers[0].isDifferentiable)
        }
        let y = try layer(x, ForwardContext(state, normalization: .running)).doubles()
        #expect(zip(y, [1.0 / 3, 2.0 / 3]).allSatisfy { abs($0 - $1) < 1e-12 }, "\(y)")
        #expect(abs(try #require(first)[0] - 1.0 / 3) > 1e-3)
    }

    @Test("A pass sees what the passes before it made of a buffer, unless it is the same pass computed again")
    func passes() throws {
        let builder = LayoutBuilder()
        let counter = Counter(builder.root)
        let state = try state(builder)
        let x = try backend.ones([1], .float64)
        let updates = BufferUpdates()
        let first = ForwardContext(state, updates: updates)
        _ = counter(x, first)
        _ = counter(x, first)
        #expect(try updates.updated(state.buffers)[0].item() == 1)
        let second = try first.anotherPass()
        #expect(try second[counter.count].item() == 1 && first[counter.count].item() == 0)
        _ = counter(x, second)
        let third = try second.anotherPass()
        _ = counter(x, third)
        #expect(try updates.updated(state.buffers)[0].item() == 3)
        // A pass that changes nothing leaves what was there.
        _ = try third.anotherPass()
        #expect(try updates.updated(state.buffers)[0].item() == 3)
    }

    @Test("Batch norm moves its estimates by its momentum, the variance towards the unbiased one")
    func runningEstimates() throws {
        let builder = LayoutBuilder()
        let norm = BatchNorm(builder.root, channels: 1, momentum: 0.25)
        let state = try state(builder)
        let updates = BufferUpdates()
        // Of mean 2 and variance 1, or 2 where one of the two degrees of freedom is the mean's.
        _ = try norm(backend.tensor([1.0, 3], [2, 1]), ForwardContext(state, updates: updates))
        let estimates = try updates.updated(state.buffers).map { try $0.item() }
        #expect(estimates == [0.5, 1.25])
    }

    @Test("Another pass keeps everything else of its context")
    func otherPass() throws {
        let builder = LayoutBuilder()
        _ = Counter(builder.root)
        let weight = builder.root.parameter("weight", [1], .ones)
        let state = try state(builder)
        for updates in [BufferUpdates(), nil] {
            let context = try ForwardContext(
                state, normalization: .running, time: TrainingTime(epoch: 3), random: RandomStream(seed: 5),
                updates: updates, checkpointing: true
            ).anotherPass()
            #expect(!context.isTraining && context.time.epoch == 3 && context.checkpointing)
            #expect(context.random == RandomStream(seed: 5) && context.updates === updates)
            #expect(try context[weight].item() == 1)
        }
        #expect(ForwardContext(state).isTraining)
    }

    @Test("A part that is computed again for its gradient updates its buffers once")
    func checkpointed() throws {
        let builder = LayoutBuilder()
        let part = Checkpointed(builder.root) { scope in
            (counter: Counter(scope), linear: Linear(scope["linear"], inputs: 2, outputs: 1))
        }
        let state = try state(builder)
        let x = backend.normal([4, 2], .float64, from: RandomStream(seed: 4))
        for checkpointing in [false, true] {
            let updates = BufferUpdates()
            let variables = state.variables
            let context = ForwardContext(variables, updates: updates, checkpointing: checkpointing)
            let readings = part.part.counter.readings
            let y = try part([x], context) { part, inputs, context in
                try part.linear(part.counter(inputs[0], context), context).squared()
            }
            _ = try gradients(of: y.sum(), withRespectTo: variables.parameters)
            #expect(try updates.updated(state.buffers)[0].item() == 1)
            #expect(part.part.counter.readings == readings + 1)
        }
    }

    @Test("An update of another shape or type than its buffer is an error")
    func wrongShape() throws {
        let builder = LayoutBuilder()
        let buffer = builder.root.buffer("mean", [2], .zeros)
        let state = try state(builder)
        for (wrong, what) in [
            (try backend.zeros([3], .float64), "float64 [3]"),
            (try backend.zeros([2], .float32), "float32 [2]"),
        ] {
            let updates = BufferUpdates()
            let context = ForwardContext(state, updates: updates)
            context.update(buffer) { wrong }
            let error = #expect(throws: TensorError.self) { try updates.updated(state.buffers) }
            #expect(error?.description == "buffer: an update is \(what), the buffer float64 [2]")
            #expect(throws: TensorError.self) { try context.anotherPass() }
        }
    }

    @Test("Updates are dropped where nobody collects them, and what computes them is not run")
    func dropped() throws {
        let builder = LayoutBuilder()
        let counter = Counter(builder.root)
        let state = try state(builder)
        let context = ForwardContext(state)
        _ = counter(try backend.ones([1], .float64), context)
        #expect(try context.anotherPass()[counter.count].item() == 0 && counter.readings == 0)
    }

    @Test("An update that fails says so where it is read")
    func failing() throws {
        let builder = LayoutBuilder()
        let buffer = builder.root.buffer("mean", [2], .zeros)
        let state = try state(builder)
        let updates = BufferUpdates()
        ForwardContext(state, updates: updates).update(buffer) { throw TensorError("layer", "no rows") }
        #expect(throws: TensorError.self) { try updates.updated(state.buffers) }
    }

    @Test(
        "Updates are computed in the order in which their buffers were declared, as ranks that meet there need"
    )
    func order() throws {
        let builder = LayoutBuilder()
        let buffers = (0..<12).map { builder.root.buffer("\($0)", [1], .zeros) }
        let state = try state(builder)
        let updates = BufferUpdates()
        let context = ForwardContext(state, updates: updates)
        let order = Recorded<Int>()
        for (index, buffer) in buffers.enumerated().reversed() {
            context.update(buffer) {
                order.append(index)
                return try context[buffer] + Double(index)
            }
        }
        let found = try updates.updated(state.buffers).map { try $0.item() }
        #expect(found == (0..<12).map(Double.init) && order.elements == Array(0..<12))
    }
}

private final class Recorded<Element: Sendable>: Sendable {
    private let mutex = Mutex<[Element]>([])
    var elements: [Element] { mutex.withLock { $0 } }

    func append(_ element: Element) { mutex.withLock { $0.append(element) } }
}
