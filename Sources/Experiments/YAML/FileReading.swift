import Glibc

/// Why a file cannot be read.
struct FileReadingError: Error, CustomStringConvertible {
    let description: String
}

/// The bytes of a file: at most one more than the limit, so that a larger one shows.
///
/// - Throws: if it is missing, a directory, or cannot be read.
func readFile(_ path: String, limit: Int) throws(FileReadingError) -> [UInt8] {
    guard let file = fopen(path, "rbe") else { throw systemError() }
    defer { fclose(file) }
    let bytes = [UInt8](unsafeUninitializedCapacity: limit + 1) { buffer, count in
        count = fread(buffer.baseAddress, 1, buffer.count, file)
    }
    guard ferror(file) == 0 else { throw systemError() }
    return bytes
}

/// The one path of a file that has no links in it; nil if there is no such file.
func canonicalPath(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
}

private func systemError() -> FileReadingError {
    FileReadingError(description: "cannot be read: \(String(cString: strerror(errno)).lowercased())")
}
