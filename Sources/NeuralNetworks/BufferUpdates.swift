import Synchronization
import TensorEngine

/// Collects what the forward passes of one step make of a model's buffers.
public final class BufferUpdates: Sendable {
    /// By pass.
    private let passes = Mutex<[[Buffer: @Sendable () throws -> Tensor]]>([])

    public init() {}

    func beginPass() -> Int {
        passes.withLock { passes in
            passes.append([:])
            return passes.count - 1
        }
    }

    func record(_ buffer: Buffer, _ pass: Int, _ value: @escaping @Sendable () throws -> Tensor) {
        passes.withLock { $0[pass][buffer] = $0[pass][buffer] ?? value }
    }

    /// The buffers with what was collected in place; constants.
    ///
    /// - Throws: `TensorError` if an update has another shape than its buffer; what the updates throw.
    public func updated(_ buffers: [Tensor]) throws -> [Tensor] {
        var result = buffers
        for pass in passes.withLock({ $0 }) {
            for (buffer, value) in pass {
                let value = try value().detached
                let before = result[buffer.index]
                guard value.shape == before.shape, value.dtype == before.dtype else {
                    throw TensorError(
                        "buffer",
                        "an update is \(value.dtype) \(value.shape), the buffer \(before.dtype) \(before.shape)")
                }
                result[buffer.index] = value
            }
        }
        return result
    }
}
