/// A tar archive as POSIX.1-1988 has it.
func tar(_ members: [(name: String, contents: [UInt8])]) -> [UInt8] {
    members.flatMap { tarMember($0.name, $0.contents) } + [UInt8](repeating: 0, count: 1024)
}

/// A header and what follows it, without the archive's end.
func tarMember(
    _ name: String, _ contents: [UInt8], type: Character = "0", size: String? = nil, prefix: String = ""
) -> [UInt8] {
    func octal(_ number: Int, _ digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: digits - text.count) + text
    }
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at start: Int) {
        header.replaceSubrange(start..<start + text.utf8.count, with: text.utf8)
    }
    put(name, at: 0)
    put("0000644\0" + "0000000\0" + "0000000\0", at: 100)
    put(size ?? octal(contents.count, 11), at: 124)
    put(octal(0, 11), at: 136)
    put("        ", at: 148)
    put(String(type), at: 156)
    put("ustar\u{0}00", at: 257)
    put(prefix, at: 345)
    put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0 ", at: 148)
    return header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
}
