/// An immutable array of numbers, and optionally how it was computed.
///
/// The elements lie in row-major order. A tensor may be a view of some channels of a larger one: then
/// consecutive rows (the flattened outer axes; pixels in NHWC) are `pitch` elements apart and each holds
/// `shape.channels` contiguous elements. Every kernel takes pitches, so that a part of a concatenation is
/// read in place.
public struct Tensor: @unchecked Sendable {
    public let shape: Shape
    public let dtype: DType
    public let storage: Storage
    /// The index of the first element in the storage.
    public let offset: Int
    /// Elements between the starts of consecutive rows; `shape.channels` for a contiguous tensor.
    public let pitch: Int
    /// How the tensor was computed, where it takes part in differentiation.
    let origin: Origin?

    /// A position in a differentiation graph: the node and which of its outputs.
    struct Origin: Sendable {
        let node: Node
        let output: Int
    }

    /// A tensor over storage that a backend filled.
    public init(storage: Storage, shape: Shape, dtype: DType, offset: Int = 0, pitch: Int? = nil) {
        self.init(
            storage: storage, shape: shape, dtype: dtype, offset: offset, pitch: pitch ?? shape.channels,
            origin: nil)
    }

    init(storage: Storage, shape: Shape, dtype: DType, offset: Int, pitch: Int, origin: Origin?) {
        self.storage = storage
        self.shape = shape
        self.dtype = dtype
        self.offset = offset
        self.pitch = pitch
        self.origin = origin
    }

    public var backend: any Backend { storage.backend }
    public var count: Int { shape.count }
    public var isContiguous: Bool { pitch == shape.channels || shape.rows <= 1 }

    /// Whether gradients can flow into this tensor.
    public var isDifferentiable: Bool { origin != nil }

    /// The same elements with no history: a constant.
    public var detached: Tensor { with(origin: nil) }

    /// The same elements as a new leaf of differentiation: gradients with respect to it can be asked for.
    public var variable: Tensor {
        with(origin: Origin(node: Node(name: "variable", depth: 0), output: 0))
    }

    func with(origin: Origin?) -> Tensor {
        Tensor(storage: storage, shape: shape, dtype: dtype, offset: offset, pitch: pitch, origin: origin)
    }
}
