import Foundation

/// The most memory this process has had in use, in bytes.
///
/// Linux's own count for the program that runs now (VmHWM); `getrusage` would begin with what its parent had.
public func peakResidentMemory() -> Int {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let kibibytes = Int(line.dropFirst(6).filter(\.isNumber))
    else {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }
    return kibibytes * 1024
}
