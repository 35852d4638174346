#include "launch/apps/console.h"

#include <cstdio>
#include <sstream>

#include "common/error.h"
#include "launch/rank/launcher.h"

namespace zhiyin::launch::apps {

void PrintError(const std::string& line) {
  std::fprintf(stderr, "zhiyin: error: %s\n", line.c_str());
}

void PrintNote(const std::string& line) {
  std::fprintf(stderr, "zhiyin: note: %s\n", line.c_str());
}

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void CheckStartedAlone(const std::string& what) {
  if (zhiyin::launch::rank::LaunchedRanks() > 1)
    Fail(what, " runs in one process, ", rank::LaunchedRanks(),
         " were started: run it without mpirun");
}

std::pair<int, int> ParseSimulate(const std::string& text) {
  int n_servers = 0;
  int n_workers = 0;
  int n_read = 0;
  if (std::sscanf(text.c_str(), "%dx%d%n", &n_servers, &n_workers, &n_read) != 2 ||
      n_read != static_cast<int>(text.size()) || n_servers < 1 || n_workers < 1 ||
      n_servers + n_workers > 1024) {
    Fail("--simulate=", text, ": expected SERVERSxWORKERS, for example 2x3, at most 1024 in all");
  }
  return {n_servers, n_workers};
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace zhiyin::launch::apps
