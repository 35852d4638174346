#include "worker/train/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/bytes.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kTallyName[] = "progress of a worker";
/// More than any worker reads in an epoch; the sums of all workers fit.
constexpr int64_t kMaxTallyRows = int64_t{1} << 48;
constexpr auto kLineInterval = std::chrono::milliseconds(200);
constexpr auto kLogInterval = std::chrono::seconds(10);

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

std::string TimeText(double seconds) {
  const int64_t s = static_cast<int64_t>(seconds + 0.5);
  if (s < 3600) return Format("%d:%02d", static_cast<int>(s / 60), static_cast<int>(s % 60));
  return Format("%lld:%02d:%02d", static_cast<long long>(s / 3600), static_cast<int>(s / 60 % 60),
                static_cast<int>(s % 60));
}

}  // namespace

std::string EpochTally::Serialize() const {
  ByteWriter out;
  out.Put(n_rows);
  out.Put(waited_s);
  out.Put<uint64_t>(losses.size());
  for (size_t t = 0; t < losses.size(); ++t) {
    out.Put(losses[t].weight);
    out.Put(losses[t].loss);
    aucs[t].Write(&out);
  }
  left_out.Write(&out);
  return out.Take();
}

EpochTally EpochTally::Parse(std::string_view bytes, size_t n_tasks) {
  ByteReader in(bytes, kTallyName);
  EpochTally tally;
  tally.n_rows = in.Get<int64_t>();
  tally.waited_s = in.Get<double>();
  if (tally.n_rows < 0 || tally.n_rows > kMaxTallyRows)
    Fail(kTallyName, ": ", tally.n_rows, " rows, expected 0 to ", kMaxTallyRows);
  if (!(tally.waited_s >= 0 && std::isfinite(tally.waited_s)))
    Fail(kTallyName, ": waits of ", tally.waited_s, " s, expected 0 or more");
  const uint64_t n_found = in.Get<uint64_t>();
  if (n_found != n_tasks) Fail(kTallyName, ": ", n_found, " tasks, expected ", n_tasks);
  for (size_t t = 0; t < n_tasks; ++t) {
    TaskLoss& sums = tally.losses.emplace_back();
    sums.weight = in.Get<double>();
    sums.loss = in.Get<double>();
    if (!std::isfinite(sums.weight) || sums.weight < 0 || !std::isfinite(sums.loss))
      Fail(kTallyName, ": a loss of ", sums.loss, " of examples that weigh ", sums.weight,
           ", expected finite numbers");
    tally.aucs.push_back(model::metric::RunningAuc::Read(&in, tally.n_rows));
  }
  tally.left_out = data::Unpredicted::Read(&in);
  if (tally.left_out.n > tally.n_rows)
    Fail(kTallyName, ": ", tally.left_out.n, " of ", tally.n_rows, " rows were left out");
  if (!in.AtEnd()) Fail(kTallyName, ": bytes behind its end");
  return tally;
}

void EpochTally::Merge(const EpochTally& other) {
  n_rows += other.n_rows;
  waited_s += other.waited_s;
  losses.resize(std::max(losses.size(), other.losses.size()));
  aucs.resize(losses.size());
  for (size_t t = 0; t < other.losses.size(); ++t) {
    losses[t].weight += other.losses[t].weight;
    losses[t].loss += other.losses[t].loss;
    aucs[t].Merge(other.aucs[t]);
  }
  left_out.Merge(other.left_out);
}

double EpochTally::MeanLoss() const {
  double sum = 0;
  for (const TaskLoss& task : losses) {
    if (task.weight > 0) sum += task.loss / task.weight;
  }
  return sum;
}

ProgressPrinter::ProgressPrinter(ProgressStyle style, std::vector<std::string> task_names,
                                 int64_t n_epochs, int64_t rows_per_epoch,
                                 std::function<void(const std::string&)> print)
    : style_(style),
      task_names_(std::move(task_names)),
      n_epochs_(n_epochs),
      rows_per_epoch_(rows_per_epoch),
      print_(std::move(print)) {}

void ProgressPrinter::Update(int64_t epoch, const std::vector<EpochTally>& tallies) {
  if (style_ == ProgressStyle::kNone) return;
  const Clock::time_point now = Clock::now();
  if (now - shown_ < (style_ == ProgressStyle::kLine ? Clock::duration(kLineInterval)
                                                     : Clock::duration(kLogInterval)))
    return;
  shown_ = now;
  EpochTally all;
  for (const EpochTally& tally : tallies) all.Merge(tally);
  if (all.n_rows == 0) return;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double n_done = static_cast<double>((epoch - 1) * rows_per_epoch_ + all.n_rows);
  std::string text =
      Format("epoch %lld/%lld", static_cast<long long>(epoch), static_cast<long long>(n_epochs_));
  if (rows_per_epoch_ > 0) {
    text += Format("  %3.0f%%",
                   100.0 * static_cast<double>(all.n_rows) / static_cast<double>(rows_per_epoch_));
  } else {
    text += Format("  %lld samples", static_cast<long long>(all.n_rows));
  }
  text += Format("  %.0f samples/s  loss %.4f", n_done / seconds, all.MeanLoss());
  for (size_t t = 0; t < all.aucs.size(); ++t) {
    if (const std::optional<double> auc = all.aucs[t].Value())
      text += "  " + task_names_[t] + Format(" AUC %.4f", *auc);
  }
  if (rows_per_epoch_ > 0) {
    const double n_left = static_cast<double>(n_epochs_ * rows_per_epoch_) - n_done;
    text += "  " + TimeText(n_left * seconds / n_done) + " left";
  }
  if (style_ == ProgressStyle::kLog) {
    print_(text + "\n");
    return;
  }
  const size_t width = text.size();
  if (width < line_width_) text.append(line_width_ - width, ' ');
  line_width_ = width;
  print_("\r" + text);
}

void ProgressPrinter::Say(const std::string& line) {
  std::string text = line;
  if (line_width_ > 0) {
    if (text.size() < line_width_) text.append(line_width_ - text.size(), ' ');
    text = "\r" + text;
    line_width_ = 0;
  }
  print_(text + "\n");
}

}  // namespace zhiyin::worker::train
