import TensorEngine

/// What a model's parameters and buffers are: names, shapes and how they begin. A model itself is
/// a function; its values are passed to it, so one model can be applied with W1, W2 or weights one step away.
public struct ModelLayout: Sendable {
    /// One tensor of a model.
    public struct Entry: Sendable {
        /// The path from the model's root, e.g. `layers.0.convolution.weight`.
        public let name: String
        public let shape: Shape
        public let initializer: Initializer
    }

    public fileprivate(set) var parameters: [Entry] = []
    /// What layers remember between steps and no gradient reaches, such as batch norm's running estimates.
    public fileprivate(set) var buffers: [Entry] = []

    public init() {}

    /// The number of trainable scalars.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.count } }

    /// Fresh values. Each entry draws from a stream of its own, so adding one does not change the others.
    public func initialState(on backend: any Backend, _ dtype: DType, from stream: RandomStream) throws
        -> ModelState
    {
        ModelState(
            parameters: try parameters.map {
                try $0.initializer.tensor($0.shape, dtype, on: backend, from: stream.derived($0.name))
            },
            buffers: try buffers.map {
                try $0.initializer.tensor($0.shape, dtype, on: backend, from: stream.derived($0.name))
            })
    }
}

/// The values of a model: parameters and buffers, in the order of its layout.
public struct ModelState: Sendable {
    public var parameters: [Tensor]
    public var buffers: [Tensor]

    public init(parameters: [Tensor], buffers: [Tensor]) {
        self.parameters = parameters
        self.buffers = buffers
    }

    /// The state with its parameters as variables of differentiation.
    public var variables: ModelState {
        ModelState(parameters: parameters.map(\.variable), buffers: buffers)
    }
}

/// A parameter's place in its model's layout.
public struct Parameter: Sendable, Hashable {
    let index: Int
}

/// A buffer's place in its model's layout.
public struct Buffer: Sendable, Hashable {
    let index: Int
}

/// Where layers declare what they hold while a model is put together.
public final class LayoutBuilder {
    public private(set) var layout = ModelLayout()
    private var names = Set<String>()

    public init() {}

    /// The model's root.
    public var root: Scope { Scope(builder: self, path: "") }

    fileprivate func add(
        _ list: WritableKeyPath<ModelLayout, [ModelLayout.Entry]>, _ name: String, _ shape: Shape,
        _ initializer: Initializer
    ) -> Int {
        precondition(names.insert(name).inserted, "two tensors of one model are called \(name)")
        layout[keyPath: list].append(.init(name: name, shape: shape, initializer: initializer))
        return layout[keyPath: list].count - 1
    }
}

/// A place in a model under construction: declared tensors are named by the path to it.
public struct Scope {
    let builder: LayoutBuilder
    public let path: String

    /// A child: `scope["layers"][0]`.
    public subscript(name: String) -> Scope {
        Scope(builder: builder, path: path.isEmpty ? name : "\(path).\(name)")
    }

    /// The scope of a list's element.
    public subscript(index: Int) -> Scope { self["\(index)"] }

    /// Declares a trainable tensor in this scope.
    public func parameter(_ name: String, _ shape: Shape, _ initializer: Initializer) -> Parameter {
        Parameter(index: builder.add(\.parameters, self[name].path, shape, initializer))
    }

    /// Declares a tensor that a layer updates itself, by `ForwardContext.update`, and no gradient reaches.
    public func buffer(_ name: String, _ shape: Shape, _ initializer: Initializer) -> Buffer {
        Buffer(index: builder.add(\.buffers, self[name].path, shape, initializer))
    }
}
