#include "worker/train/profile.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "common/bytes.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kProfileName[] = "profile of a worker";
/// Longer than any job; sums of it over all workers are exact enough.
constexpr double kMaxSeconds = 1e9;

/// Tenths of a per cent that add up to 1000: each share rounded down, and then up again where most
/// was cut off.
std::vector<int> Tenths(std::span<const double> shares) {
  std::vector<int> tenths;
  std::vector<size_t> by_rest(shares.size());
  std::iota(by_rest.begin(), by_rest.end(), size_t{0});
  for (const double share : shares) tenths.push_back(static_cast<int>(std::floor(10 * share)));
  const auto rest = [&](size_t s) { return 10 * shares[s] - tenths[s]; };
  std::stable_sort(by_rest.begin(), by_rest.end(),
                   [&](size_t a, size_t b) { return rest(a) > rest(b); });
  const int n_missing = 1000 - std::accumulate(tenths.begin(), tenths.end(), 0);
  for (int i = 0; i < n_missing; ++i) ++tenths[by_rest[static_cast<size_t>(i) % by_rest.size()]];
  return tenths;
}

}  // namespace

void Profile::Switch(Stage stage) {
  const Stage before = clock_.stage();
  clock_.Enter(stage);
  const double waited_s = client_->waited_s() - waited_s_;
  waited_s_ += waited_s;
  if (before == Stage::kUnpack) clock_.Move(waited_s, before, Stage::kPullWait);
  if (before == Stage::kPush) clock_.Move(waited_s, before, Stage::kPushWait);
}

std::vector<double> Profile::Seconds() {
  if (!clock_.on()) return {};
  Switch(clock_.stage());
  const auto& so_far = clock_.seconds();
  std::vector<double> seconds(so_far.begin(), so_far.end());
  for (double& s : seconds) s = std::max(s, 0.0);  // a wait that was all of a stage, rounded
  return seconds;
}

std::string SerializeSeconds(std::span<const double> seconds) {
  ByteWriter out;
  out.PutArray<double>(seconds);
  return out.Take();
}

std::vector<double> ParseSeconds(std::string_view bytes) {
  ByteReader in(bytes, kProfileName);
  std::vector<double> seconds = in.GetArray<double>();
  if (seconds.size() != kStageNames.size())
    Fail(kProfileName, ": ", seconds.size(), " stages, expected ", kStageNames.size());
  for (const double s : seconds) {
    if (!(s >= 0 && s <= kMaxSeconds))
      Fail(kProfileName, ": ", s, " seconds, expected 0 to ", kMaxSeconds);
  }
  if (!in.AtEnd()) Fail(kProfileName, ": bytes behind its end");
  return seconds;
}

std::vector<double> Shares(std::span<const double> seconds) {
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  std::vector<double> shares;
  for (const double s : seconds) shares.push_back(total > 0 ? 100 * s / total : 0);
  return shares;
}

std::string ProfileTable(const std::string& who, std::span<const std::string_view> names,
                         std::span<const double> seconds) {
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  if (total <= 0) return "";
  char line[160];
  std::snprintf(line, sizeof(line), "profile: %.2f s of %s\n", total, who.c_str());
  std::string text = line;
  const std::vector<int> tenths = Tenths(Shares(seconds));
  for (size_t s = 0; s < names.size(); ++s) {
    if (seconds[s] == 0) continue;
    std::snprintf(line, sizeof(line), "  %-12.*s %10.2f s %5d.%d %%\n",
                  static_cast<int>(names[s].size()), names[s].data(), seconds[s], tenths[s] / 10,
                  tenths[s] % 10);
    text += line;
  }
  return text;
}

}  // namespace zhiyin::worker::train
