/// Memory that a backend allocated and that returns to it when the last tensor over it is gone.
///
/// A backend subclasses it; only that backend knows what is behind it.
open class Storage: @unchecked Sendable {
    public let backend: any Backend
    public let byteCount: Int

    public init(backend: any Backend, byteCount: Int) {
        self.backend = backend
        self.byteCount = byteCount
    }
}
