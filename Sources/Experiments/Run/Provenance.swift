import CPUEngine
import TensorEngine

/// What decides, besides spec and seed, which bits a run computes. A run resumed elsewhere says so.
struct Provenance {
    let isa: String
    let blas: String

    init(_ backend: CPUBackend) {
        isa = backend.isa.name
        blas = backend.blasCore
    }

    func store(in archive: inout Archive, backend: CPUBackend) {
        archive[attribute: "kernels"] = .text(isa)
        archive[attribute: "blas_core"] = .text(blas)
        archive[attribute: "threads"] = .integer(backend.threads)
        archive[attribute: "version"] = .text(Errata.version)
    }

    /// - Returns: what differs from the machine that an archive was written on; `nil` if nothing does.
    func difference(from archive: Archive) -> String? {
        let (oldISA, oldBLAS) = (
            (try? archive.text("kernels")) ?? "?", (try? archive.text("blas_core")) ?? "?"
        )
        guard oldISA != isa || oldBLAS != blas else { return nil }
        return
            "the checkpoint was written with \(oldISA) kernels and OpenBLAS \(oldBLAS), this is \(isa) and "
            + "\(blas): the run goes on, but not to the same bits"
    }
}

/// This program.
public enum Errata {
    public static let version = "0.1.0"
}
