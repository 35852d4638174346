#include "launch/apps/doctor/host_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <system_error>
#include <vector>

#include "common/hash.h"
#include "common/processors.h"
#include "launch/apps/doctor/cgroup.h"
#include "launch/rank/launcher.h"
#include "worker/data/format/arrow_library.h"

namespace zhiyin::launch::apps {
namespace {

std::string TextOfFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string FirstLineOf(const std::string& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

uint64_t HashOfFile(const std::string& path) {
  Digest digest;
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(size_t{1} << 20);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.Update(std::as_bytes(std::span(piece.data(), static_cast<size_t>(file.gcount()))));
  }
  return digest.Value();
}

/// A line "NAME:   N kB" of /proc/meminfo, in bytes.
int64_t MemoryLine(const std::string& meminfo, const std::string& name) {
  std::istringstream lines(meminfo);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) return std::atoll(line.c_str() + name.size() + 1) * 1024;
  }
  return 0;
}

void GatherProgram(RankFacts* facts) {
  facts->set_version(ZHIYIN_VERSION);
  facts->set_arch(ZHIYIN_ARCH);
  std::error_code error;
  facts->set_program(std::filesystem::read_symlink("/proc/self/exe", error).string());
  facts->set_program_hash(HashOfFile("/proc/self/exe"));
  const worker::data::ArrowLibrary arrow = worker::data::LoadArrowLibrary();
  if (arrow.plugin != nullptr) facts->set_arrow_version(arrow.plugin->arrow_version);
  facts->set_arrow_trouble(arrow.trouble);
}

void GatherMpi(const net::MpiDescription& mpi, RankFacts* facts) {
  facts->set_mpi_library(mpi.library);
  facts->set_mpi_thread_level(mpi.thread_level);
  facts->set_mpi_pml(mpi.pml);
  facts->set_mpi_btl(mpi.btl);
  facts->set_tcp_if_include(mpi.tcp_if_include);
  facts->set_shm_folder(mpi.shm_folder);
  facts->set_shm_segment_bytes(mpi.shm_segment_bytes);
  struct statvfs disk {};
  if (!mpi.shm_folder.empty() && statvfs(mpi.shm_folder.c_str(), &disk) == 0)
    facts->set_shm_bytes(static_cast<int64_t>(disk.f_blocks) * static_cast<int64_t>(disk.f_frsize));
}

void GatherCoresAndMemory(RankFacts* facts) {
  facts->set_cores_online(static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  for (const int cpu : AllowedProcessors()) facts->add_core(cpu);
  const CgroupLimits limits = ReadCgroupLimits(TextOfFile("/proc/self/cgroup"), "/sys/fs/cgroup");
  facts->set_core_quota(limits.cores);
  const std::string meminfo = TextOfFile("/proc/meminfo");
  int64_t total = MemoryLine(meminfo, "MemTotal");
  int64_t free = MemoryLine(meminfo, "MemAvailable");
  if (limits.memory_bytes > 0) {
    total = std::min(total, limits.memory_bytes);
    free = std::min(free, std::max<int64_t>(0, limits.memory_bytes - limits.memory_used_bytes));
  }
  facts->set_memory_bytes(total);
  facts->set_memory_free_bytes(free);
}

int64_t SoftLimit(decltype(RLIMIT_NOFILE) which) {
  rlimit limit{};
  if (getrlimit(which, &limit) != 0 || limit.rlim_cur > std::numeric_limits<int64_t>::max())
    return std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(limit.rlim_cur);
}

void GatherInterfaces(RankFacts* facts) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    if ((at->ifa_flags & IFF_UP) == 0 || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    Interface* interface = facts->add_interface();
    interface->set_name(at->ifa_name);
    interface->set_address(
        ntohl(reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr));
    if (at->ifa_netmask != nullptr) {
      interface->set_prefix_bits(
          std::popcount(reinterpret_cast<const sockaddr_in*>(at->ifa_netmask)->sin_addr.s_addr));
    }
  }
  freeifaddrs(list);
}

}  // namespace

RankFacts GatherRankFacts(const net::MpiDescription& mpi) {
  RankFacts facts;
  facts.set_host(rank::HostName());
  facts.set_boot_id(FirstLineOf("/proc/sys/kernel/random/boot_id"));
  GatherProgram(&facts);
  GatherMpi(mpi, &facts);
  GatherCoresAndMemory(&facts);
  GatherInterfaces(&facts);
  facts.set_max_open_files(SoftLimit(RLIMIT_NOFILE));
  facts.set_max_locked_bytes(SoftLimit(RLIMIT_MEMLOCK));
  std::error_code none;
  facts.set_has_rdma(!std::filesystem::is_empty("/sys/class/infiniband", none) && !none);
  return facts;
}

}  // namespace zhiyin::launch::apps
