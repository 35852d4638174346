#include "worker/data/survey/findings.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/text.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/example_parser.h"
#include "worker/data/split_ranges.h"
#include "worker/data/survey/signal.h"

namespace zhiyin::worker::data {
namespace {

// The bounds that docs/checking.md documents.
constexpr double kTellsAll = 0.99;      // AUC or R2 of one column
constexpr double kDriftNote = 0.1;      // PSI
constexpr double kDriftWarning = 0.25;  // PSI
constexpr double kUnseenNote = 0.1;     // share of the values of a split that is held out
constexpr double kUnseenWarning = 0.5;
constexpr double kMostlyMissing = 0.95;   // share of the training examples
constexpr double kNearlyAll = 0.9;        // share of values that look like something
constexpr double kFractions = 0.1;        // share of values with digits after the point
constexpr int64_t kManyValues = 50;       // distinct values of a quantity
constexpr int64_t kFewValues = 32;        // distinct values of a code
constexpr double kOrderTellsLess = 0.05;  // AUC or R2 by value over that in order
constexpr int64_t kEnough = 100;          // examples to judge by
constexpr double kRepeatedMore = 0.01;    // share of held-out examples over what chance explains
constexpr double kRateFactor = 1.5;       // of rates of 1 in two splits
constexpr double kMeanShift = 0.25;       // of means, in standard deviations
constexpr double kJoinedNearlyAll = 0.9;

std::string Percent(double share) {
  const double percent = 100 * share;
  return TextOf(percent < 10 ? std::round(percent * 100) / 100 : std::round(percent * 10) / 10,
                " %");
}

double Rounded(double x) {
  return std::round(x * 1000) / 1000;
}

double ShareOf(int64_t part, int64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

std::string PathOf(SplitKind kind) {
  return TextOf("data.", SplitName(kind));
}

std::string InputName(const ColumnSurvey& column) {
  return TextOf(column.is_numeric ? "numeric" : "field", " \"", column.name, "\"");
}

/// What the texts of a field's values, or the numbers of a numeric, look like; shares are of the
/// training split's occurrences.
struct Looks {
  double numbers = 0;    // of texts that are numbers
  double fractions = 0;  // of numbers that are not integers
  int64_t n_distinct = 0;
};

Looks LooksOf(const ColumnSurvey& column) {
  Looks looks;
  int64_t n = 0;
  int64_t n_numbers = 0;
  int64_t n_fractions = 0;
  for (const auto& [value, tally] : column.values.kept()) {
    if (tally.n.train == 0) continue;
    double number = 0;
    const bool is_number = column.is_numeric || ParseNumber(tally.text, &number);
    if (column.is_numeric) number = NumberOfValue(value);
    n += tally.n.train;
    n_numbers += is_number ? tally.n.train : 0;
    n_fractions += is_number && number != std::floor(number) ? tally.n.train : 0;
    ++looks.n_distinct;
  }
  looks.numbers = ShareOf(n_numbers, n);
  looks.fractions = ShareOf(n_fractions, n);
  looks.n_distinct =
      static_cast<int64_t>(static_cast<double>(looks.n_distinct) * column.values.scale());
  return looks;
}

/// Collects the findings of one survey. Each function looks for one kind.
class Judge {
 public:
  Judge(const Job& job, const Survey& survey) : job_(job), survey_(survey) {}

  std::vector<Finding> Findings() && {
    Lines(SplitKind::kTrain);
    for (const SplitKind kind : survey_.held_out) Lines(kind);
    for (size_t t = 0; t < survey_.tasks.size(); ++t) Labels(survey_.tasks[t]);
    for (const ColumnSurvey& column : survey_.columns) Input(column);
    Twins();
    for (const SplitKind kind : survey_.held_out) HeldOut(kind);
    for (const JoinSurvey& join : survey_.joins) Joined(join);
    std::stable_sort(findings_.begin(), findings_.end(),
                     [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
    return std::move(findings_);
  }

 private:
  template <typename... Pieces>
  void Say(Severity severity, const char* kind, const std::string& what, const Pieces&... pieces) {
    findings_.push_back({severity, kind, what, TextOf(pieces...)});
  }
  template <typename... Pieces>
  void Warn(const char* kind, const std::string& what, const Pieces&... pieces) {
    Say(Severity::kWarning, kind, what, pieces...);
  }
  template <typename... Pieces>
  void Note(const char* kind, const std::string& what, const Pieces&... pieces) {
    Say(Severity::kNote, kind, what, pieces...);
  }

  void Lines(SplitKind kind) {
    const std::string split = PathOf(kind);
    const SplitSurvey& found = survey_.splits.of(kind);
    if (found.n_examples == 0) Warn("no_examples", split, "has no examples");
    const int64_t n_records = found.n_examples + found.n_bad;
    if (const std::string text = TooFewRecords(job_.data(), kind, n_records); !text.empty())
      Note("n_rows", split, text);
    if (const std::string text = RecordsOfTraining(job_.data(), kind, n_records); !text.empty())
      Warn("overlap", split, text);
    if (found.n_bad == 0) return;
    const double share = ShareOf(found.n_bad, found.n_bad + found.n_examples);
    const bool refused = share > job_.data().max_bad_share();
    Say(refused ? Severity::kWarning : Severity::kNote, "malformed", split,
        "malformed lines: ", found.n_bad, " (", Percent(share), "), the first: ", found.first_bad,
        refused ? "; data.max_bad_share allows fewer" : "");
  }

  void Labels(const TaskSurvey& task) {
    const std::string what = TextOf("task \"", task.name, "\"");
    Classes(task, SplitKind::kTrain, what);
    for (const SplitKind kind : survey_.held_out) {
      Classes(task, kind, what);
      Rates(task, kind, what);
    }
  }

  void Classes(const TaskSurvey& task, SplitKind kind, const std::string& what) {
    const TaskSplit& labels = task.splits.of(kind);
    if (labels.labels.n == 0) {
      Warn("one_class", what, "no example of ", PathOf(kind), " has a label");
    } else if (labels.least == labels.most) {
      Warn("one_class", what, "all ", labels.labels.n, " labels of ", PathOf(kind), " are ",
           labels.least, ", expected ", labels.is_binary ? "both classes" : "several");
    }
  }

  void Rates(const TaskSurvey& task, SplitKind kind, const std::string& what) {
    const TaskSplit& train = task.splits.train;
    const TaskSplit& test = task.splits.of(kind);
    if (train.labels.n == 0 || test.labels.n == 0) return;
    const double shift = std::abs(train.labels.mean - test.labels.mean);
    const double sd = std::max(train.labels.Stddev(), test.labels.Stddev());
    const double error = sd * std::sqrt(1 / static_cast<double>(train.labels.n) +
                                        1 / static_cast<double>(test.labels.n));
    const auto [low, high] = std::minmax(train.labels.mean, test.labels.mean);
    const bool is_large =
        train.is_binary && test.is_binary ? high > kRateFactor * low : shift > kMeanShift * sd;
    if (!is_large || !(shift > 5 * error)) return;
    Warn("rate_drift", what, "the mean label is ", Rounded(train.labels.mean),
         " in data.train and ", Rounded(test.labels.mean), " in ", PathOf(kind));
  }

  void Input(const ColumnSurvey& column) {
    const std::string what = InputName(column);
    Leaks(column, what);
    if (column.splits.train.n_examples == 0) return;
    const double missing = ShareOf(column.splits.train.n_missing, column.splits.train.n_examples);
    if (column.IsConstant()) {
      Warn("constant", what,
           missing == 1 ? "has no value in data.train" : "has one value in data.train",
           ": it tells nothing");
      return;
    }
    if (missing > kMostlyMissing)
      Note("missing", what, "is missing in ", Percent(missing), " of the training examples");
    const Looks looks = LooksOf(column);
    if (column.is_numeric) {
      Codes(column, looks, what);
    } else {
      Quantities(column, looks, what);
    }
    for (const SplitKind kind : survey_.held_out) Changes(column, kind, what);
  }

  void Leaks(const ColumnSurvey& column, const std::string& what) {
    for (size_t t = 0; t < survey_.tasks.size(); ++t) {
      const TaskSurvey& task = survey_.tasks[t];
      if (column.column == task.column) {
        Warn("label_as_input", what, "reads column \"", column.column,
             "\", from which the label of task \"", task.name, "\" is made");
        continue;
      }
      const bool is_binary = task.splits.train.is_binary;
      const Signal signal = SignalOf(column, t, is_binary);
      const double best = std::max(signal.by_value.value_or(0), signal.in_order.value_or(0));
      if (!(best > kTellsAll)) continue;
      Warn("tells_label", what, "tells the label of task \"", task.name, "\" by itself (",
           is_binary ? "AUC " : "R2 ", Rounded(best), "): is it known when the model is asked?");
    }
  }

  /// A field that looks like a number.
  void Quantities(const ColumnSurvey& column, const Looks& looks, const std::string& what) {
    const int64_t n = column.splits.train.n_values;
    if (n < kEnough || column.HasSeveralValues()) return;
    if (looks.numbers >= kNearlyAll && looks.fractions >= kFractions &&
        looks.n_distinct > kManyValues) {
      Note("number_as_category", what, "holds numbers, ", Percent(looks.fractions),
           " of them with digits after the point, and is read as a category: expected a numeric, "
           "or bucket");
    } else if (static_cast<double>(looks.n_distinct) > kNearlyAll * static_cast<double>(n)) {
      Note("one_each", what, "has ", looks.n_distinct, " values in ", n,
           " training examples: nearly each has its own, which tells nothing of others");
    }
  }

  /// A numeric that looks like a category.
  void Codes(const ColumnSurvey& column, const Looks& looks, const std::string& what) {
    const int64_t n = column.splits.train.n_values;
    if (n < kEnough || looks.fractions > 0) return;
    if (static_cast<double>(looks.n_distinct) > kNearlyAll * static_cast<double>(n)) {
      Note("id_as_number", what, "has an integer of its own in nearly every training example (",
           looks.n_distinct, " in ", n, "): is it an id?");
      return;
    }
    if (looks.n_distinct < 3 || looks.n_distinct > kFewValues) return;
    for (size_t t = 0; t < survey_.tasks.size(); ++t) {
      const bool is_binary = survey_.tasks[t].splits.train.is_binary;
      const Signal signal = SignalOf(column, t, is_binary);
      if (!signal.by_value || !signal.in_order ||
          *signal.by_value < *signal.in_order + kOrderTellsLess)
        continue;
      Note("category_as_number", what, "has ", looks.n_distinct,
           " integers, whose order tells less of task \"", survey_.tasks[t].name, "\" (",
           is_binary ? "AUC " : "R2 ", Rounded(*signal.in_order), ") than they do as categories (",
           Rounded(*signal.by_value), "): expected a field");
      return;
    }
  }

  void Changes(const ColumnSurvey& column, SplitKind kind, const std::string& what) {
    // Histories grow with time, and shares of items are of training, by their definition.
    if (job_.data().has_behaviour() && std::find(kBehaviourColumns.begin(), kBehaviourColumns.end(),
                                                 column.column) != kBehaviourColumns.end())
      return;
    const double unseen = column.is_numeric ? 0 : UnseenShare(column, kind);
    if (unseen > kUnseenNote) {
      Say(unseen > kUnseenWarning ? Severity::kWarning : Severity::kNote, "unseen", what,
          Percent(unseen), " of its values in ", PathOf(kind), " are not in data.train");
    }
    const std::optional<Drift> drift = DriftOf(column, kind);
    if (!drift || drift->psi <= kDriftNote + drift->by_chance) return;
    Say(drift->psi > kDriftWarning + drift->by_chance ? Severity::kWarning : Severity::kNote,
        "drift", what, "differs between data.train and ", PathOf(kind), " (PSI ",
        Rounded(drift->psi), ")");
  }

  void Twins() {
    std::unordered_map<uint64_t, const ColumnSurvey*> earlier;
    for (const ColumnSurvey& column : survey_.columns) {
      if (column.IsConstant()) continue;
      const ColumnSurvey* twin = nullptr;
      for (const uint64_t digest : column.Digests()) {
        const ColumnSurvey* const first = earlier.try_emplace(digest, &column).first->second;
        // A column may well be read twice, into two tables.
        if (first->column != column.column) twin = first;
      }
      if (twin == nullptr) continue;
      Warn("duplicate", InputName(column), "says what ", InputName(*twin),
           " says in every training example");
    }
  }

  void HeldOut(SplitKind kind) {
    const RepeatedRows& rows = survey_.repeated;
    const double by_chance = rows.Share(SplitKind::kTrain);
    const double error = std::sqrt(by_chance * (1 - by_chance) /
                                   static_cast<double>(std::max<int64_t>(rows.n.of(kind), 1)));
    if (rows.Share(kind) > by_chance + kRepeatedMore + 4 * error) {
      Warn("shared_rows", PathOf(kind), Percent(rows.Share(kind)),
           " of its examples are in data.train, too, where ", Percent(by_chance),
           " are there twice");
    }
    const std::optional<TimeRange>& train = survey_.splits.train.times;
    const std::optional<TimeRange>& test = survey_.splits.of(kind).times;
    const Split& split = SplitOf(job_.data(), kind);
    const bool has_own_files =
        !std::equal(job_.data().train().file().begin(), job_.data().train().file().end(),
                    split.file().begin(), split.file().end());
    if (!train || !test || train->kind != test->kind || !has_own_files ||
        test->least >= train->most)
      return;
    Warn("time_overlap", PathOf(kind), "begins at ", test->first, ", before data.train ends at ",
         train->last, ": the model learns from what comes later");
  }

  void Joined(const JoinSurvey& join) {
    const std::string what = TextOf("data.join of \"", join.column, "\"");
    if (join.n_bad > 0) {
      Note("malformed", what, "malformed lines: ", join.n_bad, " of ", join.n_lines,
           " are left out, the first: ", join.first_bad);
    }
    const int64_t n_looked_up = join.n_looked_up.train;
    const double share = ShareOf(join.n_matched.train, n_looked_up);
    if (n_looked_up == 0 || share >= kJoinedNearlyAll) return;
    Say(join.n_matched.train == 0 ? Severity::kWarning : Severity::kNote, "join", what,
        Percent(share), " of the training examples with a key find a line in ", join.file);
  }

  const Job& job_;
  const Survey& survey_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> FindingsOf(const Job& job, const Survey& survey) {
  return Judge(job, survey).Findings();
}

}  // namespace zhiyin::worker::data
