import Glibc

/// What went wrong with a file.
public struct FileError: Error, Hashable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The reason the system gives for the last call's failure.
    package static func system(_ path: String, _ action: String) -> FileError {
        FileError(path, "\(action): \(String(cString: strerror(errno)))")
    }

    public var description: String { "\(path): \(reason)" }
}
