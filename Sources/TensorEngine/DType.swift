/// The element type of a tensor, chosen at run time.
///
/// Float32 is for training, Float64 for checking whole models and plugins, Int32 for labels and indices.
public enum DType: UInt8, Sendable, CaseIterable {
    case float32, float64, int32

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .float32, .int32: 4
        case .float64: 8
        }
    }

    /// Whether tensors of this type can be differentiated.
    public var isFloatingPoint: Bool { self != .int32 }
}

/// A Swift type that is the element of a tensor.
public protocol TensorElement: Sendable {
    static var dtype: DType { get }
}

extension Float: TensorElement {
    public static var dtype: DType { .float32 }
}

extension Double: TensorElement {
    public static var dtype: DType { .float64 }
}

extension Int32: TensorElement {
    public static var dtype: DType { .int32 }
}
