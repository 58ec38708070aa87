import Foundation

/// How many processors this process may use: those it may run on (`taskset`, a scheduler's cpuset), and no more than
/// its control groups' quota of processor time, rounded up.
package func availableProcessors() -> Int {
    let quota = processorQuota().map { Int($0.rounded(.up)) }
    return max(min(affinity() ?? ProcessInfo.processInfo.activeProcessorCount, quota ?? .max), 1)
}

/// The number of processors that the process may run on: a list such as `0-3,8` in proc(5)'s status.
private func affinity() -> Int? {
    let line = text(of: "/proc/self/status")?.split(separator: "\n").first {
        $0.hasPrefix("Cpus_allowed_list:")
    }
    let ranges = line?.split(separator: "\t").last?.split(separator: ",").map { range in
        range.split(separator: "-").compactMap { Int($0) }
    }
    return ranges.map { $0.reduce(0) { $0 + ($1.last ?? 0) - ($1.first ?? 1) + 1 } }
}

/// The smallest quota of the process's control group and those above it, in processors; `nil` if there is none.
///
/// - Parameters:
///   - membership: the process's groups, in the form of `/proc/self/cgroup`, which is read by default.
///   - root: where the groups are.
package func processorQuota(membership: String? = nil, root: String = "/sys/fs/cgroup") -> Double? {
    var quotas: [Double] = []
    let membership = membership ?? text(of: "/proc/self/cgroup") ?? ""
    for line in membership.split(separator: "\n") {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { continue }
        let controllers = fields[1].split(separator: ",")
        let isUnified = controllers.isEmpty
        guard isUnified || controllers.contains("cpu") else { continue }
        let mounts = isUnified ? ["", "/unified"] : ["/\(fields[1])", "/cpu"]
        var group = fields[2].split(separator: "/")
        while true {
            for mount in mounts {
                let directory = "\(root)\(mount)/\(group.joined(separator: "/"))"
                quotas += [isUnified ? unifiedQuota(directory) : separateQuota(directory)].compactMap(\.self)
            }
            if group.popLast() == nil { break }
        }
    }
    return quotas.min()
}

/// Version 2: `cpu.max` holds a quota, or `max`, and its period.
private func unifiedQuota(_ directory: String) -> Double? {
    let numbers = (text(of: "\(directory)/cpu.max") ?? "").split(separator: " ").map { Double($0) }
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1] else { return nil }
    return quota / period
}

/// Version 1: two files, and −1 for no quota.
private func separateQuota(_ directory: String) -> Double? {
    guard let quota = text(of: "\(directory)/cpu.cfs_quota_us").flatMap({ Double($0) }),
        let period = text(of: "\(directory)/cpu.cfs_period_us").flatMap({ Double($0) }), quota > 0
    else { return nil }
    return quota / period
}

/// A small file's text without its last line break.
private func text(of path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
}
