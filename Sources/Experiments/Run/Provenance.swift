import TensorEngine

/// What decides, besides spec and seed, which bits a run computes. A run resumed elsewhere says so.
struct Provenance {
    private let backend: String

    init(_ backend: any Backend) { self.backend = backend.identity }

    func store(in archive: inout Archive) {
        archive[attribute: "backend"] = .text(backend)
        archive[attribute: "version"] = .text(Errata.version)
    }

    /// - Returns: what differs from the machine that an archive was written on; `nil` if nothing does.
    func difference(from archive: Archive) -> String? {
        guard let then = try? archive.text("backend"), then != backend else { return nil }
        return
            "the checkpoint was written with \(then), this is \(backend): the run goes on, but not to the same bits"
    }
}

/// This program.
public enum Errata {
    public static let version = "0.1.0"
}
