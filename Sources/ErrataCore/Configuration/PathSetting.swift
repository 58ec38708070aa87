import Glibc

/// The path of a file or directory. A relative one is relative to the directory of the file that says it, or to the
/// working directory where no file does; it is kept absolute, so that it means the same wherever it is read again.
public struct PathSetting: Sendable, Hashable, CustomStringConvertible {
    /// Absolute, or empty where none is given.
    public let path: String

    /// - Parameters:
    ///   - path: absolute, relative, or empty for none.
    ///   - file: the file that says it; none by default.
    public init(_ path: String = "", in file: String = "") {
        guard !path.isEmpty, !path.hasPrefix("/") else {
            self.path = path
            return
        }
        let directory = file.lastIndex(of: "/").map { file[...$0] } ?? ""
        let absolute = directory.hasPrefix("/") ? "\(directory)" : "\(workingDirectory())/\(directory)"
        let steps = "\(absolute)/\(path)".split(separator: "/").filter { $0 != "." }
        self.path = "/" + steps.joined(separator: "/")
    }

    public var description: String { path }
}

extension PathSetting: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Self> {
        .init(
            "path", expectation: "a path", shape: .text,
            parse: { value in
                guard let text = value.text, !text.isEmpty else { return nil }
                // Only what stands in a file has a line.
                return Self(text, in: value.location.line == nil ? "" : value.location.source)
            },
            encode: { .string($0.path) })
    }
}

private func workingDirectory() -> String {
    guard let path = getcwd(nil, 0) else { return "" }
    defer { free(path) }
    return String(cString: path)
}
