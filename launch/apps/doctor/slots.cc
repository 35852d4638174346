#include "launch/apps/doctor/slots.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/processors.h"
#include "launch/rank/launcher.h"

namespace zhiyin::launch::apps {
namespace {

constexpr int64_t kMaxHostfileBytes = int64_t{16} << 20;
constexpr int kMaxSlots = 1 << 20;

std::optional<int> WholeNumber(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > kMaxSlots)
    return {};
  return value;
}

struct HostLine {
  std::string name;
  int slots = 0;
  bool counted = false;  // slots= or a second line said how many
};

void ParseHostLine(const std::string& line, const std::string& where,
                   std::vector<HostLine>* hosts) {
  // Open MPI takes "slots = 4" as well.
  std::string spaced;
  for (const char c : line.substr(0, line.find('#'))) {
    if (c == '=') {
      while (!spaced.empty() && spaced.back() == ' ') spaced.pop_back();
      spaced += '=';
    } else if (c == ' ' || c == '\t' || c == '\r') {
      if (!spaced.empty() && spaced.back() != '=') spaced += ' ';
    } else {
      spaced += c;
    }
  }
  std::istringstream words(spaced);
  std::string name;
  if (!(words >> name)) return;
  if (name[0] == '+' || name[0] == '^' || name.find('=') != std::string::npos)
    Fail(where, ": ", name, ": expected a host's name first, then slots=N");
  name.erase(0, name.find('@') + 1);  // USER@HOST
  std::optional<int> slots;
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::optional<int> value = equals == std::string::npos
                                         ? std::nullopt
                                         : WholeNumber(std::string_view(word).substr(equals + 1));
    if (key == "slots" || key == "cpus" || key == "count") {
      slots = value;
    } else if (key != "max_slots" && key != "max-slots") {
      Fail(where, ": ", word, ": expected slots=N or max_slots=N");
    }
    if (!value) Fail(where, ": ", word, ": expected a whole number behind ", key, "=");
  }
  for (HostLine& host : *hosts) {
    if (host.name != name) continue;
    if (slots)
      Fail(where, ": slots= again for ", name,
           ": mpirun refuses that, expected one line with slots=N");
    host.slots += host.counted ? 1 : 2;
    host.counted = true;
    return;
  }
  hosts->push_back({name, slots.value_or(0), slots.has_value()});
}

void Append(std::string* list, const std::string& item) {
  if (!list->empty()) *list += ", ";
  *list += item;
}

/// Cores, not hardware threads, that this process may run on: what mpirun counts without
/// --use-hwthread-cpus.
int CoresHere() {
  std::set<std::string> cores;
  for (const int cpu : AllowedProcessors()) {
    std::string siblings = std::to_string(cpu);
    std::ifstream("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                  "/topology/thread_siblings_list") >>
        siblings;
    cores.insert(siblings);
  }
  return static_cast<int>(cores.size());
}

bool IsThisHost(const std::string& name) {
  return name == rank::HostName() || name == "localhost" || name == "127.0.0.1";
}

}  // namespace

Slots SlotsOfHostfile(std::string_view text, const std::string& name,
                      const std::function<int(const std::string& host)>& cores_of) {
  std::vector<HostLine> hosts;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);)
    ParseHostLine(line, name + ":" + std::to_string(++number), &hosts);
  if (hosts.empty()) Fail(name, ": names no host, expected lines like: node1 slots=8");
  Slots slots;
  slots.source = SlotSource::kHostfile;
  slots.name = name;
  for (const HostLine& host : hosts) {
    const int n = host.counted ? host.slots : cores_of(host.name);
    if (n == 0 && !host.counted) {
      Append(&slots.unknown, host.name);
      continue;
    }
    slots.n += n;
    Append(&slots.breakdown, host.name + " " + std::to_string(n));
  }
  return slots;
}

std::optional<Slots> SlotsOfSlurm(std::string_view tasks_per_node) {
  Slots slots;
  slots.source = SlotSource::kSlurm;
  std::istringstream parts{std::string(tasks_per_node)};
  for (std::string part; std::getline(parts, part, ',');) {
    int n_nodes = 1;
    if (const size_t open = part.find("(x"); open != std::string::npos) {
      if (part.back() != ')') return {};
      const std::optional<int> repeated =
          WholeNumber(std::string_view(part).substr(open + 2, part.size() - open - 3));
      if (!repeated) return {};
      n_nodes = *repeated;
      part.resize(open);
    }
    const std::optional<int> tasks = WholeNumber(part);
    if (!tasks || int64_t{*tasks} * n_nodes + slots.n > kMaxSlots) return {};
    slots.n += *tasks * n_nodes;
  }
  if (slots.n == 0) return {};
  return slots;
}

Slots FindSlots(const std::string& hostfile) {
  if (!hostfile.empty()) {
    return SlotsOfHostfile(
        ReadWholeFile(hostfile, kMaxHostfileBytes), hostfile,
        [](const std::string& host) { return IsThisHost(host) ? CoresHere() : 0; });
  }
  if (const char* told = std::getenv("OMPI_UNIVERSE_SIZE")) {
    if (const std::optional<int> n = WholeNumber(told); n && *n > 0)
      return {*n, SlotSource::kMpirun, "", "", ""};
  }
  if (const char* told = std::getenv("SLURM_TASKS_PER_NODE");
      told != nullptr && std::getenv("SLURM_JOB_ID")) {
    if (const std::optional<Slots> slots = SlotsOfSlurm(told)) return *slots;
  }
  return {CoresHere(), SlotSource::kCores, "", "", ""};
}

}  // namespace zhiyin::launch::apps
