import CKernels
import Foundation
import TensorEngine

/// The instruction set whose kernels are in use.
public struct ISA: @unchecked Sendable {
    let table: UnsafePointer<errata_isa>

    /// `baseline`, `avx2` or `avx512`.
    public var name: String { String(cString: table.pointee.name) }

    func kernels(_ dtype: DType) -> errata_kernels {
        dtype == .float32 ? table.pointee.float32.pointee : table.pointee.float64.pointee
    }

    /// How many numbers of a type a vector holds.
    func lanes(_ dtype: DType) -> Int { Int(table.pointee.vector_bytes) / dtype.byteCount }

    /// The kernels of that name, or `nil` where this CPU does not run them.
    public init?(named name: String) {
        guard let table = errata_select_isa(name) else { return nil }
        self.table = table
    }

    private init(table: UnsafePointer<errata_isa>) { self.table = table }

    /// The best that this CPU runs.
    public static let best = ISA(table: errata_select_isa(nil)!)

    /// The one that the environment variable `ERRATA_ISA` names, or else the best.
    ///
    /// - Throws: `TensorError` if this CPU does not run the one named.
    public static func selected() throws -> ISA {
        guard let name = ProcessInfo.processInfo.environment["ERRATA_ISA"] else { return best }
        guard let isa = ISA(named: name) else {
            throw TensorError(
                "ERRATA_ISA",
                "'\(name)' is not an instruction set of this CPU; expected one of "
                    + ["baseline", "avx2", "avx512"].filter { ISA(named: $0) != nil }.joined(separator: ", "))
        }
        return isa
    }
}
