import Glibc

/// Files that lie together: in a folder, or in a tar archive.
enum FileGroup {
    /// The contents of those of the named files that are there.
    ///
    /// - Parameters:
    ///   - names: without folders.
    ///   - path: of the folder, or of the archive, in whose folders the files may lie.
    ///   - limit: the most bytes that each may have.
    /// - Throws: `FileError` if something cannot be read; `DatasetError` if the archive is damaged, names a file
    ///   twice, or a file is larger than the limit.
    static func read(_ names: Set<String>, at path: String, limit: Int) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        if isDirectory(path) {
            for name in names where access("\(path)/\(name)", F_OK) == 0 {
                found[name] = try RegularFile.contents(of: "\(path)/\(name)") { _, size in
                    try require(
                        size <= limit, "\(path)/\(name)", "has \(size) bytes, expected at most \(limit)")
                }
            }
            return found
        }
        let archive = try TarReader(path)
        while let member = try archive.next() {
            guard member.isFile, names.contains(member.lastComponent) else { continue }
            let contents = try archive.readContents(limit: limit)
            try require(
                found.updateValue(contents, forKey: member.lastComponent) == nil, path,
                "byte \(member.offset): a second \(member.lastComponent), expected one")
        }
        return found
    }
}

/// Whether there is a directory of this path.
package func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
