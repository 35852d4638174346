#include "common/net/sim_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::net {
namespace {

constexpr double kHeavyExponent = 1.1;
constexpr double kHeavyMost = 1000;                      // times the least
constexpr int64_t kLongestTime = 1'000'000'000'000'000;  // 11 days
constexpr int64_t kMostBytes = int64_t{1} << 40;
constexpr double kMostFactor = 1e6;

struct Unit {
  std::string_view name;
  int64_t size;
};
// The longer names first where one is the end of another.
constexpr Unit kTimes[] = {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
constexpr Unit kSizes[] = {{"KiB", int64_t{1} << 10}, {"MiB", int64_t{1} << 20}, {"B", 1}};

std::string NumberText(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

/// In the largest unit that leaves no fraction.
std::string TimeText(int64_t ns) {
  const Unit* best = &kTimes[0];
  for (const Unit& unit : kTimes) {
    if (ns % unit.size == 0) best = &unit;
  }
  return std::to_string(ns / best->size) + std::string(best->name);
}

std::optional<double> NumberOf(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// Parses one part of the text from left to right.
class Part {
 public:
  Part(std::string_view part, int n_ranks)
      : part_(part),
        rest_(part.substr(std::min(part.size(), part.find('=') + 1))),
        n_ranks_(n_ranks) {}

  /// "delay" of "delay=exp:50us".
  std::string_view name() const { return part_.substr(0, part_.find('=')); }
  bool has_value() const { return part_.find('=') != std::string_view::npos; }

  [[noreturn]] void Refuse(std::string_view expected) const {
    Fail("--network: ", Shortened(part_, 100), ": expected ", expected);
  }

  /// The text up to `separator`, which is skipped; the rest of the text for '\0'.
  std::string_view Take(char separator, std::string_view expected) {
    if (separator == '\0') return std::exchange(rest_, {});
    const size_t at = rest_.find(separator);
    if (at == std::string_view::npos) Refuse(expected);
    const std::string_view piece = rest_.substr(0, at);
    rest_ = rest_.substr(at + 1);
    return piece;
  }

  int TakeRank(char separator, std::string_view expected) {
    const std::string_view piece = Take(separator, expected);
    int rank = 0;
    const auto [end, error] = std::from_chars(piece.data(), piece.data() + piece.size(), rank);
    if (error != std::errc() || end != piece.data() + piece.size()) Refuse(expected);
    if (rank < 0 || rank >= n_ranks_)
      Fail("--network: ", Shortened(part_, 100), ": rank ", rank, ", expected 0 to ", n_ranks_ - 1);
    return rank;
  }

  int64_t TakeTime(char separator, std::string_view expected) {
    return TakeAmount(separator, kTimes, kLongestTime, expected);
  }

  double TakeNumber(char separator, std::string_view expected) {
    const std::optional<double> value = NumberOf(Take(separator, expected));
    if (!value) Refuse(expected);
    return *value;
  }

  bool HasSizeUnit() const { return rest_.ends_with('B'); }
  int64_t TakeSize(std::string_view expected) {
    return TakeAmount('\0', kSizes, kMostBytes, expected);
  }

 private:
  template <size_t kUnits>
  int64_t TakeAmount(char separator, const Unit (&units)[kUnits], int64_t most,
                     std::string_view expected) {
    const std::string_view piece = Take(separator, expected);
    for (const Unit& unit : units) {
      if (!piece.ends_with(unit.name)) continue;
      const std::optional<double> value =
          NumberOf(piece.substr(0, piece.size() - unit.name.size()));
      if (!value) break;
      const double amount = std::round(*value * static_cast<double>(unit.size));
      if (amount < 0 || amount > static_cast<double>(most)) break;
      return static_cast<int64_t>(amount);
    }
    Refuse(expected);
  }

  std::string_view part_;
  std::string_view rest_;
  int n_ranks_;
};

SimOptions::Delay ParseDelay(Part* part) {
  constexpr char kExpected[] =
      "delay=uniform:LEAST:MOST, delay=exp:MEAN or delay=heavy:LEAST, such as delay=exp:50us";
  SimOptions::Delay delay;
  const std::string_view kind = part->Take(':', kExpected);
  if (kind == "uniform") {
    delay.least_ns = part->TakeTime(':', kExpected);
    delay.most_ns = part->TakeTime('\0', kExpected);
    if (delay.most_ns < delay.least_ns) part->Refuse("the shorter delay first");
  } else if (kind == "exp") {
    delay = {SimOptions::Delay::Kind::kExponential, 0, 0, part->TakeTime('\0', kExpected)};
  } else if (kind == "heavy") {
    delay = {SimOptions::Delay::Kind::kHeavyTailed, part->TakeTime('\0', kExpected), 0, 0};
  } else {
    part->Refuse(kExpected);
  }
  return delay;
}

void ParsePart(Part part, SimOptions* options) {
  constexpr char kWork[] = "work=TIME above 0, such as work=1us";
  constexpr char kQueue[] = "queue=FRAMES or queue=BYTES above 0, such as queue=8 or queue=64KiB";
  constexpr char kSlow[] = "slow=RANK:FACTOR, at least 1, such as slow=3:8";
  constexpr char kPause[] = "pause=RANK@AT+FOR, such as pause=2@0.5s+1s";
  constexpr char kCrash[] = "crash=RANK@AT, such as crash=4@2s";
  constexpr char kDown[] = "down=RANK-RANK@AT+FOR, such as down=0-3@0.5s+1s";
  const std::string_view name = part.name();
  if (!part.has_value()) {
    part.Refuse("NAME=VALUE, where NAME is delay, work, queue, slow, pause, crash or down");
  } else if (name == "delay") {
    options->delay = ParseDelay(&part);
  } else if (name == "work") {
    options->work_ns = part.TakeTime('\0', kWork);
    if (options->work_ns == 0) part.Refuse(kWork);
  } else if (name == "queue") {
    int64_t& limit = part.HasSizeUnit() ? options->queue_bytes : options->queue_frames;
    const double n = part.HasSizeUnit() ? static_cast<double>(part.TakeSize(kQueue))
                                        : part.TakeNumber('\0', kQueue);
    if (n < 1 || n > static_cast<double>(kMostBytes) || n != std::floor(n)) part.Refuse(kQueue);
    limit = static_cast<int64_t>(n);
  } else if (name == "slow") {
    SimOptions::Slow slow;
    slow.rank = part.TakeRank(':', kSlow);
    slow.factor = part.TakeNumber('\0', kSlow);
    if (slow.factor < 1 || slow.factor > kMostFactor) part.Refuse(kSlow);
    for (const SimOptions::Slow& other : options->slow) {
      if (other.rank == slow.rank) part.Refuse("a rank that is not slow already");
    }
    options->slow.push_back(slow);
  } else if (name == "pause") {
    SimOptions::Pause pause;
    pause.rank = part.TakeRank('@', kPause);
    pause.at_ns = part.TakeTime('+', kPause);
    pause.for_ns = part.TakeTime('\0', kPause);
    options->pauses.push_back(pause);
  } else if (name == "crash") {
    SimOptions::Crash crash;
    crash.rank = part.TakeRank('@', kCrash);
    crash.at_ns = part.TakeTime('\0', kCrash);
    options->crashes.push_back(crash);
  } else if (name == "down") {
    SimOptions::Down down;
    down.a = part.TakeRank('-', kDown);
    down.b = part.TakeRank('@', kDown);
    down.at_ns = part.TakeTime('+', kDown);
    down.for_ns = part.TakeTime('\0', kDown);
    if (down.a == down.b) part.Refuse("two ranks");
    options->downs.push_back(down);
  } else {
    const std::string names[] = {"delay", "work", "queue", "slow", "pause", "crash", "down"};
    Fail("--network: ", Shortened(name, 100), ": no such option", Suggestion(name, names));
  }
}

}  // namespace

double SimOptions::Delay::Draw(Random* random) const {
  const double u = random->Uniform();  // [0, 1)
  switch (kind) {
    case Kind::kUniform:
      return 1e-9 * (static_cast<double>(least_ns) + static_cast<double>(most_ns - least_ns) * u);
    case Kind::kExponential:
      return -1e-9 * static_cast<double>(mean_ns) * std::log1p(-u);
    case Kind::kHeavyTailed:
      return 1e-9 * static_cast<double>(least_ns) *
             std::min(kHeavyMost, std::pow(1 - u, -1 / kHeavyExponent));
  }
  return 0;
}

std::string SimOptions::ToText() const {
  std::string text = "delay=";
  switch (delay.kind) {
    case Delay::Kind::kUniform:
      text += "uniform:" + TimeText(delay.least_ns) + ":" + TimeText(delay.most_ns);
      break;
    case Delay::Kind::kExponential:
      text += "exp:" + TimeText(delay.mean_ns);
      break;
    case Delay::Kind::kHeavyTailed:
      text += "heavy:" + TimeText(delay.least_ns);
      break;
  }
  text += ",work=" + TimeText(work_ns);
  if (queue_frames > 0) text += ",queue=" + std::to_string(queue_frames);
  if (queue_bytes > 0) text += ",queue=" + std::to_string(queue_bytes) + "B";
  for (const Slow& s : slow) text += ",slow=" + std::to_string(s.rank) + ":" + NumberText(s.factor);
  for (const Pause& p : pauses)
    text += ",pause=" + std::to_string(p.rank) + "@" + TimeText(p.at_ns) + "+" + TimeText(p.for_ns);
  for (const Crash& c : crashes)
    text += ",crash=" + std::to_string(c.rank) + "@" + TimeText(c.at_ns);
  for (const Down& d : downs)
    text += ",down=" + std::to_string(d.a) + "-" + std::to_string(d.b) + "@" + TimeText(d.at_ns) +
            "+" + TimeText(d.for_ns);
  return text;
}

SimOptions ParseSimOptions(std::string_view text, int n_ranks) {
  SimOptions options;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    ParsePart(Part(text.substr(0, comma), n_ranks), &options);
    text = text.substr(std::min(comma + 1, text.size()));
  }
  return options;
}

}  // namespace zhiyin::net
