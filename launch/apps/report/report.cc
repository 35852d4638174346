#include "launch/apps/report/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "common/error.h"
#include "common/file.h"
#include "common/random.h"
#include "common/text.h"
#include "launch/apps/report/html.h"
#include "launch/apps/report/numbers.h"
#include "launch/job/load_frozen.h"
#include "launch/rank/output_folder.h"
#include "worker/model/label_domains.h"
#include "worker/model/loss/loss.h"
#include "worker/model/metric/curves.h"
#include "worker/model/metric/metric.h"
#include "worker/model/model.h"
#include "worker/recommend/measure_lists.h"
#include "worker/saved/permutation_importance.h"
#include "worker/saved/saved_model.h"
#include "worker/saved/scored_split.h"

namespace zhiyin::launch::apps {
namespace {

namespace fs = std::filesystem;
using worker::model::loss::PredictionKind;
using worker::saved::FrozenModel;

constexpr int kBootstraps = 200;
constexpr int kRocPoints = 200;
constexpr int kBins = 15;
constexpr int64_t kImportanceRows = 20'000;
constexpr int kPermutations = 3;
constexpr size_t kMaxSliceValues = 30;
/// Rows with the mean label that an item without rows counts as having.
constexpr double kPriorRows = 10;

class Report {
 public:
  explicit Report(const ReportCommand& command)
      : command_(command),
        model_(job::LoadFrozen(command.checkpoint, command.overrides, &manifest_)),
        job_(model_->job()),
        test_(worker::saved::ScoreSplit(WithTest(*model_), worker::data::SplitKind::kTest)),
        page_(job_.name() + ": what the model does on the test split") {
    for (const Task& task : job_.task())
      kinds_.push_back(worker::model::loss::MakeLoss(task)->kind());
  }

  std::string Make() {
    page_.Paragraph(TextOf("Model of epoch ", manifest_.epoch(), ", step ", manifest_.step(),
                           ". Test split: ", test_.n, " rows",
                           test_.n_bad > 0 ? TextOf(", and ", test_.n_bad, " malformed lines") : "",
                           "."));
    AddTasks();
    AddCurves();
    AddLearning();
    AddLists();
    AddGates();
    if (command_.importance) AddImportance();
    AddSlices();
    return page_.Finish();
  }
  const std::string& said() const { return said_; }

 private:
  static const FrozenModel& WithTest(const FrozenModel& model) {
    if (!model.job().data().has_test())
      Fail(
          "report: the job has no data.test, expected a split to look at: --set "
          "data.test.file=FILE");
    return model;
  }

  int n_tasks() const { return job_.task_size(); }
  const std::vector<float>& labels(int t) const { return test_.labels[static_cast<size_t>(t)]; }
  const std::vector<float>& predictions(int t) const {
    return test_.predictions[static_cast<size_t>(t)];
  }
  PredictionKind kind(int t) const { return kinds_[static_cast<size_t>(t)]; }
  /// The field of single values that reads this column; -1 where there is none.
  int FieldOfColumn(const std::string& column) const {
    for (int f = 0; f < job_.field_size(); ++f) {
      if (job_.field(f).column() == column && job_.field(f).separator().empty() &&
          job_.field(f).bucket().empty())
        return f;
    }
    return -1;
  }
  /// The key of each example of the test split; 0 where it has none.
  std::vector<Key> KeysOfField(int field) const {
    std::vector<Key> keys;
    for (const worker::data::Rows& block : test_.blocks) {
      for (int64_t i = 0; i < block.n; ++i)
        keys.push_back(block.KeysOf(i, field).empty() ? 0 : block.KeysOf(i, field)[0]);
    }
    return keys;
  }

  /// Predictions [tasks][n] by the mean label of the row's item in training, and by the mean label
  /// of all rows.
  struct Baselines {
    std::vector<std::vector<float>> by_item;  // empty without items
    std::vector<std::vector<float>> constant;
  };
  Baselines FindBaselines() const {
    struct Sums {
      double n = 0;
      double label = 0;
    };
    const int item =
        job_.data().has_behaviour() ? FieldOfColumn(job_.data().behaviour().item()) : -1;
    std::vector<Sums> all(static_cast<size_t>(n_tasks()));
    std::vector<std::unordered_map<Key, Sums>> of_items(all.size());
    const auto source = worker::data::MakeSource(job_, worker::data::SplitKind::kTrain,
                                                 worker::model::LabelDomainsOf(job_));
    worker::data::Rows rows;
    std::vector<worker::data::BadLine> bad;
    for (int64_t block = 0; source->Read(block, &rows, &bad) > 0; ++block) {
      for (size_t at = 0; at < rows.labels.size(); ++at) {
        if (std::isnan(rows.labels[at])) continue;
        const size_t t = at % all.size();
        all[t].n += 1;
        all[t].label += rows.labels[at];
        if (item < 0) continue;
        const auto keys = rows.KeysOf(static_cast<int64_t>(at / all.size()), item);
        Sums& own = of_items[t][keys.empty() ? 0 : keys[0]];
        own.n += 1;
        own.label += rows.labels[at];
      }
    }
    Baselines found;
    const std::vector<Key> keys = item < 0 ? std::vector<Key>() : KeysOfField(item);
    for (size_t t = 0; t < all.size(); ++t) {
      const double mean = all[t].n > 0 ? all[t].label / all[t].n : 0;
      found.constant.emplace_back(static_cast<size_t>(test_.n), static_cast<float>(mean));
      if (item < 0) continue;
      std::vector<float>& by_item = found.by_item.emplace_back();
      for (const Key key : keys) {
        const auto own = of_items[t].find(key);
        const Sums sums = own == of_items[t].end() ? Sums() : own->second;
        by_item.push_back(
            static_cast<float>((sums.label + kPriorRows * mean) / (sums.n + kPriorRows)));
      }
    }
    return found;
  }

  void AddTasks() {
    const Baselines baselines = FindBaselines();
    const int user =
        job_.data().has_behaviour() ? FieldOfColumn(job_.data().behaviour().user()) : -1;
    const std::vector<Key> users = user < 0 ? std::vector<Key>() : KeysOfField(user);
    page_.Heading("Tasks");
    for (int t = 0; t < n_tasks(); ++t) {
      page_.Heading(job_.task(t).name(), 3);
      HtmlTable table;
      table.head = {"predicted by", "rows",        "mean label", "AUC (95 %)", "GAUC by user",
                    "log loss",     "calibration", "ECE",        "RMSE",       "R²"};
      const auto add = [&](const std::string& name, PredictionKind own_kind,
                           const std::vector<float>& by) {
        const worker::model::metric::TaskMetrics m =
            worker::model::metric::ComputeMetrics(name, own_kind, by, labels(t));
        std::string auc = Number(m.auc, "%.4f");
        std::string group_auc = "–";
        if (const auto interval = worker::model::metric::AucInterval(
                by, labels(t), m.auc ? kBootstraps : 0, job_.train().seed()))
          auc = WithInterval(*m.auc, interval->low, interval->high);
        if (!users.empty() && m.auc) {
          if (const auto of_users = worker::model::metric::ComputeGroupAuc(by, labels(t), users))
            group_auc = Number(of_users->auc, "%.4f") + TextOf(" (", of_users->n_groups, " users)");
        }
        const bool is_probability = own_kind == PredictionKind::kProbability;
        table.rows.push_back(
            {name, std::to_string(m.n_samples), Number(m.label_mean, "%.4f"), auc, group_auc,
             Number(m.log_loss), Number(m.calibration, "%.4f"),
             is_probability
                 ? Number(worker::model::metric::ExpectedCalibrationError(
                              worker::model::metric::CalibrationBins(by, labels(t), kBins)),
                          "%.4f")
                 : "–",
             Number(m.rmse), Number(m.r2, "%.4f")});
        said_ += TextOf(job_.task(t).name(), ", by ", name, ": AUC ", auc, ", GAUC ", group_auc,
                        ", log loss ", Number(m.log_loss), ", RMSE ", Number(m.rmse), "\n");
      };
      add("the model", kind(t), predictions(t));
      // What a baseline gives is a mean label, whatever the model gives.
      const PredictionKind mean_kind =
          kind(t) == PredictionKind::kScore ? PredictionKind::kProbability : kind(t);
      const size_t at = static_cast<size_t>(t);
      if (!baselines.by_item.empty())
        add("its item's mean label", mean_kind, baselines.by_item[at]);
      add("the mean label", mean_kind, baselines.constant[at]);
      page_.Add(table);
    }
    page_.Paragraph(TextOf(
        "Intervals: ", kBootstraps,
        " bootstrap samples of the rows. GAUC: mean of the users' own AUCs, weighted by their "
        "rows. Calibration: "
        "sum of the predictions over sum of the labels. ECE: mean distance of prediction and label "
        "over ",
        kBins, " bins of as many rows each. An item's mean label is of the training split, with ",
        kPriorRows, " rows of the mean label added."));
  }

  void AddCurves() {
    Chart roc = {"ROC", "share of the negatives", "share of the positives", {}, true, false};
    Chart calibration = {
        "Calibration", "mean prediction of a bin", "mean label of a bin", {}, false, false};
    double low = HUGE_VAL;
    double high = -HUGE_VAL;
    for (int t = 0; t < n_tasks(); ++t) {
      if (worker::model::metric::HasAuc(kind(t))) {
        ChartLine line = {job_.task(t).name(), {}, false, false, t};
        for (const worker::model::metric::RocPoint& point :
             worker::model::metric::RocCurve(predictions(t), labels(t), kRocPoints))
          line.points.emplace_back(point.false_positives, point.true_positives);
        roc.lines.push_back(std::move(line));
      }
      if (kind(t) != PredictionKind::kScore) {
        ChartLine line = {job_.task(t).name(), {}, true, false, t};
        for (const worker::model::metric::CalibrationBin& bin :
             worker::model::metric::CalibrationBins(predictions(t), labels(t), kBins)) {
          line.points.emplace_back(bin.prediction, bin.label);
          low = std::min({low, bin.prediction, bin.label});
          high = std::max({high, bin.prediction, bin.label});
        }
        calibration.lines.push_back(std::move(line));
      }
    }
    std::vector<Chart> charts;
    if (!roc.lines.empty()) {
      roc.lines.push_back({"by chance", {{0, 0}, {1, 1}}, false, true, kGrey});
      charts.push_back(std::move(roc));
    }
    if (!calibration.lines.empty() && low <= high) {
      calibration.lines.push_back(
          {"as it should be", {{low, low}, {high, high}}, false, true, kGrey});
      charts.push_back(std::move(calibration));
    }
    if (charts.empty()) return;
    page_.Heading("Curves");
    page_.Add(charts);
  }

  /// From metrics.jsonl beside the model, where there is one.
  void AddLearning() {
    const fs::path folder = fs::path(worker::saved::FindModel(command_.checkpoint)).parent_path();
    std::ifstream file(folder / "metrics.jsonl");
    std::map<std::string, std::vector<std::pair<double, double>>>
        curves[2];  // of AUC and RMSE: by task and split
    for (std::string line; std::getline(file, line);) {
      const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
      if (!entry.is_object() || !entry.contains("task") || !entry.contains("split") ||
          !entry.contains("epoch"))
        continue;
      const std::string name =
          entry["task"].get<std::string>() + ", " + entry["split"].get<std::string>();
      const double epoch = entry["epoch"].get<double>();
      if (entry.contains("auc") && entry["auc"].is_number()) {
        curves[0][name].emplace_back(epoch, entry["auc"].get<double>());
      } else if (entry.contains("rmse") && entry["rmse"].is_number()) {
        curves[1][name].emplace_back(epoch, entry["rmse"].get<double>());
      }
    }
    std::vector<Chart> charts;
    for (int c = 0; c < 2; ++c) {
      Chart chart = {c == 0 ? "AUC" : "RMSE", "epoch", c == 0 ? "AUC" : "RMSE", {}, false, true};
      for (int t = 0; t < n_tasks(); ++t) {
        for (const std::string split : {"train", "test"}) {
          std::string name = job_.task(t).name() + ", " + split;
          const auto points = curves[c].find(name);
          if (points != curves[c].end())
            chart.lines.push_back({std::move(name), points->second, true, split == "train", t});
        }
      }
      if (!chart.lines.empty()) charts.push_back(std::move(chart));
    }
    if (charts.empty()) return;
    page_.Heading("Learning");
    page_.Add(charts);
  }

  void AddLists() {
    const Data& data = job_.data();
    if (!data.has_behaviour() ||
        data.behaviour().hold_out_case() == zhiyin::Behaviour::HOLD_OUT_NOT_SET)
      return;
    worker::recommend::RecommendOptions options;
    options.k = command_.k;
    const worker::recommend::Recommender recommender(model_, nullptr,
                                                     worker::data::Behaviour::Read(job_), options);
    HtmlTable table;
    const std::string at = "@" + std::to_string(command_.k);
    table.head = {"lists by",
                  "users",
                  "Recall" + at + " (95 %)",
                  "NDCG" + at + " (95 %)",
                  "HitRate" + at,
                  "MRR",
                  "coverage",
                  "novelty"};
    for (const worker::recommend::MeasuredLists& row :
         worker::recommend::MeasureLists(recommender, options, "the model")) {
      const worker::model::metric::ListMetrics& m = row.metrics;
      table.rows.push_back({row.name, std::to_string(m.n_users),
                            WithInterval(m.recall.mean, m.recall.low, m.recall.high),
                            WithInterval(m.ndcg.mean, m.ndcg.low, m.ndcg.high),
                            Number(m.hit_rate.mean, "%.4f"), Number(m.mrr.mean, "%.4f"),
                            Number(m.coverage, "%.3f"), Number(m.novelty, "%.2f")});
    }
    page_.Heading("Lists");
    page_.Add(table);
    page_.Paragraph(
        "All items that the user has no event with are ranked, for everybody with a held-out "
        "event.");
  }

  void AddGates() {
    worker::model::DenseWeights weights = model_->OwnWeights();
    std::vector<Bar> bars;
    for (const auto& [name, gate] : worker::model::MakeModel(job_)->Gates(weights.weights()))
      bars.push_back({name, gate});
    if (bars.empty()) return;
    std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) {
      return std::abs(a.value) > std::abs(b.value);
    });
    page_.Heading("Gates");
    page_.Paragraph("What the model multiplies each input by; they begin at 1.");
    page_.Add("gate", bars);
    for (const Bar& bar : bars)
      said_ += TextOf("gate of ", bar.name, ": ", Number(bar.value), "\n");
  }

  /// How good the predictions of the first examples are: the AUC, or minus the RMSE.
  double Quality(int t, const std::vector<float>& by) const {
    const std::span<const float> own(labels(t).data(), by.size());
    if (worker::model::metric::HasAuc(kind(t)))
      return worker::model::metric::Auc(by, own).value_or(0.5);
    return -worker::model::metric::ComputeMetrics("", kind(t), by, own).rmse.value_or(0);
  }

  void AddImportance() {
    std::vector<worker::data::Rows> blocks;
    int64_t n = 0;
    for (const worker::data::Rows& block : test_.blocks) {
      if (n >= kImportanceRows) break;
      blocks.push_back(block);
      n += block.n;
    }
    const std::vector<std::vector<float>> as_it_is = worker::saved::Predict(*model_, blocks);
    std::vector<std::vector<Bar>> bars(static_cast<size_t>(n_tasks()));
    for (int input = 0; input < job_.field_size() + job_.numeric_size(); ++input) {
      const std::string& name = input < job_.field_size()
                                    ? job_.field(input).name()
                                    : job_.numeric(input - job_.field_size()).name();
      std::vector<double> lost(bars.size());
      for (int p = 0; p < kPermutations; ++p) {
        const auto seed =
            Random(job_.train().seed(), static_cast<uint64_t>(input), static_cast<uint64_t>(p))
                .Next();
        const std::vector<std::vector<float>> changed =
            worker::saved::Predict(*model_, worker::saved::Permuted(blocks, input, seed));
        for (int t = 0; t < n_tasks(); ++t) {
          const size_t at = static_cast<size_t>(t);
          lost[at] += (Quality(t, as_it_is[at]) - Quality(t, changed[at])) / kPermutations;
        }
      }
      for (size_t t = 0; t < bars.size(); ++t) bars[t].push_back({name, lost[t]});
    }
    page_.Heading("What the model uses");
    page_.Paragraph(TextOf("What is lost when an input's values are exchanged among ", n,
                           " rows of the test split at random, mean of ", kPermutations,
                           ". An input that matters only beside another like it shows little."));
    for (int t = 0; t < n_tasks(); ++t) {
      std::vector<Bar>& own = bars[static_cast<size_t>(t)];
      std::stable_sort(own.begin(), own.end(),
                       [](const Bar& a, const Bar& b) { return a.value > b.value; });
      const std::string what = worker::model::metric::HasAuc(kind(t)) ? "AUC lost" : "RMSE added";
      page_.Heading(job_.task(t).name(), 3);
      page_.Add(what, own);
      for (const Bar& bar : own)
        said_ += TextOf(job_.task(t).name(), ", without what ", bar.name, " says: ", what, " ",
                        Number(bar.value), "\n");
    }
  }

  std::vector<int> SliceFields() const {
    std::vector<int> fields;
    std::vector<std::string> known;
    for (const Field& field : job_.field()) known.push_back(field.name());
    for (const std::string& name : command_.slices) {
      const auto at = std::find(known.begin(), known.end(), name);
      if (at == known.end()) Fail("--slices: no field \"", name, "\"", Suggestion(name, known));
      fields.push_back(static_cast<int>(at - known.begin()));
    }
    if (!fields.empty()) return fields;
    for (int f = 0; f < job_.field_size(); ++f) {
      const size_t n = test_.names[static_cast<size_t>(f)].size();
      if (n >= 2 && n <= kMaxSliceValues && job_.field(f).separator().empty()) fields.push_back(f);
    }
    return fields;
  }

  void AddSlices() {
    const std::vector<int> fields = SliceFields();
    if (fields.empty()) return;
    page_.Heading("Slices");
    for (const int f : fields) {
      std::map<Key, std::vector<size_t>> rows;
      size_t row = 0;
      for (const worker::data::Rows& block : test_.blocks) {
        for (int64_t i = 0; i < block.n; ++i, ++row) {
          const auto keys = block.KeysOf(i, f);
          const std::set<Key> different(keys.begin(), keys.end());
          for (const Key key : different) rows[key].push_back(row);
          if (keys.empty()) rows[0].push_back(row);
        }
      }
      std::vector<std::pair<Key, std::vector<size_t>>> largest(rows.begin(), rows.end());
      std::stable_sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) {
        return a.second.size() > b.second.size();
      });
      const size_t n_values = largest.size();
      if (largest.size() > kMaxSliceValues) largest.resize(kMaxSliceValues);
      page_.Heading(job_.field(f).name(), 3);
      if (n_values > largest.size())
        page_.Paragraph(
            TextOf("The ", largest.size(), " values with the most rows, of ", n_values, "."));
      HtmlTable table;
      table.head = {"value", "rows"};
      for (int t = 0; t < n_tasks(); ++t) {
        for (const char* what : {"mean label", "mean prediction",
                                 worker::model::metric::HasAuc(kind(t)) ? "AUC" : "RMSE"})
          table.head.push_back(job_.task(t).name() + ": " + what);
      }
      for (const auto& [key, own] : largest) table.rows.push_back(SliceRow(f, key, own));
      page_.Add(table);
    }
  }

  std::vector<std::string> SliceRow(int f, Key key, const std::vector<size_t>& rows) const {
    const auto& names = test_.names[static_cast<size_t>(f)];
    const auto name = names.find(key);
    std::vector<std::string> cells = {name == names.end() ? "(none)" : name->second,
                                      std::to_string(rows.size())};
    for (int t = 0; t < n_tasks(); ++t) {
      std::vector<float> by;
      std::vector<float> own;
      double sum = 0;
      for (const size_t row : rows) {
        if (std::isnan(labels(t)[row])) continue;
        own.push_back(labels(t)[row]);
        by.push_back(predictions(t)[row]);
        sum += by.back();
      }
      const worker::model::metric::TaskMetrics m =
          worker::model::metric::ComputeMetrics("", kind(t), by, own);
      cells.push_back(own.empty() ? "–" : Number(m.label_mean, "%.4f"));
      cells.push_back(own.empty() ? "–" : Number(sum / static_cast<double>(own.size()), "%.4f"));
      cells.push_back(Number(worker::model::metric::HasAuc(kind(t)) ? m.auc : m.rmse, "%.4f"));
    }
    return cells;
  }

  const ReportCommand& command_;
  Manifest manifest_;
  std::shared_ptr<const FrozenModel> model_;
  const Job& job_;
  worker::saved::ScoredSplit test_;
  HtmlPage page_;
  std::vector<PredictionKind> kinds_;  // [tasks]
  std::string said_;
};

}  // namespace

void RunReport(const ReportCommand& command) {
  rank::CheckOutputFile(command.output, command.overwrite);
  Report report(command);
  ReplaceFile(command.output, report.Make());
  command.print(report.said() + "report: " + command.output + "\n");
}

}  // namespace zhiyin::launch::apps
