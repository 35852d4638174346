#include "launch/job/check_job.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/config/checker.h"
#include "common/text.h"
#include "worker/model/balance/balancer.h"
#include "worker/model/check_model.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::launch::job {
namespace {

namespace loss = worker::model::loss;

constexpr int kMaxDim = 4096;
constexpr int kMaxEpochs = 1'000'000;
constexpr int kMaxTables = 1024;
constexpr int kMaxSequence = 1000;
constexpr size_t kMaxJobNameBytes = 128;

class JobChecker : private config::Checker {
 public:
  JobChecker(const Job& job, const config::ConfigBlame& blame)
      : config::Checker(job, blame), job_(job), blame_(blame) {}

  void Run() {
    if (job_.name().size() > kMaxJobNameBytes || job_.name() != OneLine(job_.name())) {
      Fail(root()("name"), TextOf("is \"", job_.name(), "\", expected at most ", kMaxJobNameBytes,
                                  " bytes on one line"));
    }
    CheckCount("table", job_.table_size(), kMaxTables);
    CheckCount("field", job_.field_size(), worker::data::kMaxInputs);
    CheckCount("numeric", job_.numeric_size(), worker::data::kMaxInputs);
    CheckCount("task", job_.task_size(), worker::data::kMaxTasks);
    columns_ = CheckData(job_, blame_);
    CheckTables();
    CheckInputs();
    CheckTasks();
    worker::model::CheckModel(*this, job_);
    CheckTrain();
    CheckNotNegative(root()("train")("max_gradient"), job_.train().max_gradient());
    CheckRange(root()("evaluation")("every_epochs"), job_.evaluation().every_epochs(), 1,
               kMaxEpochs);
  }

 private:
  void CheckCount(const char* field, int n, int most) const {
    if (n > most) Fail(root()(field, most), TextOf("is one of ", n, ", expected at most ", most));
  }

  void CheckTables() const {
    std::set<std::string> names = {"dense"};
    for (int i = 0; i < job_.table_size(); ++i) {
      const config::ConfigPath path = root()("table", i);
      const Table& table = job_.table(i);
      if (table.name() == "dense")
        Fail(path("name"), "\"dense\" is the table of the model's own weights");
      CheckName(path, table.name(), &names);
      CheckRange(path("dim"), table.dim(), 1, kMaxDim);
      CheckOptimizer(path("optimizer"), table.optimizer());
      CheckNotNegative(path("l2"), table.l2());
      CheckAdmission(path("admission"), table.admission());
      CheckEviction(path("eviction"), table.eviction());
      CheckRange(path("hot_keys")("rows"), table.hot_keys().rows(), int64_t{0}, int64_t{1} << 31);
      CheckRange(path("hot_keys")("refresh_steps"), table.hot_keys().refresh_steps(), 2, 1000);
      if (table.hot_keys().rows() > 0 && job_.train().staleness() == 0)
        Fail(path("hot_keys")("rows"),
             "copies of rows are stale: expected 0, or another train.staleness than 0");
      if (table.hot_keys().rows() > 0) CheckHotKeys(path, table);
      const bool used = std::any_of(job_.field().begin(), job_.field().end(),
                                    [&](const Field& f) { return f.table() == table.name(); });
      if (!used) Fail(path, "is used by no field");
      switch (table.init().kind_case()) {
        case Initializer::kZero:
        case Initializer::KIND_NOT_SET:
          break;
        case Initializer::kNormal:
          CheckNotNegative(path("init")("normal")("stddev"), table.init().normal().stddev());
          break;
        case Initializer::kUniform:
          CheckNotNegative(path("init")("uniform")("range"), table.init().uniform().range());
          break;
      }
    }
  }

  void CheckAdam(const config::ConfigPath& path, const Optimizer::Adam& adam) const {
    CheckPositive(path("learning_rate"), adam.learning_rate());
    CheckPositive(path("epsilon"), adam.epsilon());
    CheckShare(path("beta1"), adam.beta1());
    CheckShare(path("beta2"), adam.beta2());
  }

  template <typename AdaGradConfig>
  void CheckAdaGrad(const config::ConfigPath& path, const AdaGradConfig& config) const {
    CheckPositive(path("learning_rate"), config.learning_rate());
    CheckNotNegative(path("initial_accumulator"), config.initial_accumulator());
    CheckPositive(path("epsilon"), config.epsilon());
  }

  template <typename DecayingConfig>
  void CheckDecaying(const config::ConfigPath& path, const DecayingConfig& config) const {
    CheckPositive(path("learning_rate"), config.learning_rate());
    CheckShare(path("decay"), config.decay());
    CheckPositive(path("epsilon"), config.epsilon());
  }

  void CheckOptimizer(const config::ConfigPath& path, const Optimizer& optimizer) const {
    CheckNotNegative(path("clip_norm"), optimizer.clip_norm());
    CheckNotNegative(path("weight_decay"), optimizer.weight_decay());
    CheckSchedule(path("schedule"), optimizer.schedule());
    switch (optimizer.kind_case()) {
      case Optimizer::KIND_NOT_SET:
        Fail(path,
             "is missing, expected sgd, momentum, adagrad, rowwise_adagrad, adam, adamw, ftrl, "
             "rmsprop, "
             "adadelta or "
             "delay_compensated_sgd");
      case Optimizer::kSgd:
        CheckPositive(path("sgd")("learning_rate"), optimizer.sgd().learning_rate());
        return;
      case Optimizer::kAdagrad:
        CheckAdaGrad(path("adagrad"), optimizer.adagrad());
        return;
      case Optimizer::kRowwiseAdagrad:
        CheckAdaGrad(path("rowwise_adagrad"), optimizer.rowwise_adagrad());
        return;
      case Optimizer::kAdam:
        CheckAdam(path("adam"), optimizer.adam());
        return;
      case Optimizer::kAdamw:
        CheckAdam(path("adamw"), optimizer.adamw());
        return;
      case Optimizer::kMomentum:
        CheckPositive(path("momentum")("learning_rate"), optimizer.momentum().learning_rate());
        CheckShare(path("momentum")("momentum"), optimizer.momentum().momentum());
        return;
      case Optimizer::kFtrl:
        CheckFtrlStandsAlone(path, optimizer);
        CheckPositive(path("ftrl")("learning_rate"), optimizer.ftrl().learning_rate());
        CheckNotNegative(path("ftrl")("beta"), optimizer.ftrl().beta());
        CheckNotNegative(path("ftrl")("l1"), optimizer.ftrl().l1());
        CheckNotNegative(path("ftrl")("l2"), optimizer.ftrl().l2());
        if (optimizer.ftrl().beta() + optimizer.ftrl().l2() <= 0)
          Fail(path("ftrl"), "beta and l2 are both 0: the first step has no bound");
        return;
      case Optimizer::kRmsprop:
        CheckDecaying(path("rmsprop"), optimizer.rmsprop());
        return;
      case Optimizer::kAdadelta:
        CheckDecaying(path("adadelta"), optimizer.adadelta());
        return;
      case Optimizer::kDelayCompensatedSgd: {
        const config::ConfigPath at = path("delay_compensated_sgd");
        CheckPositive(at("learning_rate"), optimizer.delay_compensated_sgd().learning_rate());
        CheckNotNegative(at("lambda"), optimizer.delay_compensated_sgd().lambda());
        return;
      }
    }
  }

  /// A copied row comes to its server once in refresh_steps, and with the sum of gradients of
  /// several weights.
  void CheckHotKeys(const config::ConfigPath& path, const Table& table) const {
    const int64_t refresh_steps = table.hot_keys().refresh_steps();
    const Eviction& eviction = table.eviction();
    if (eviction.ttl_steps() > 0 && eviction.ttl_steps() <= refresh_steps) {
      Fail(path("eviction")("ttl_steps"),
           TextOf("is ", eviction.ttl_steps(), ", expected more than hot_keys.refresh_steps, ",
                  refresh_steps, ": a copied row is pulled no more often"));
    }
    if (eviction.min_pulls() > 1)
      Fail(path("eviction")("min_pulls"),
           "counts pulls, which hot_keys saves: expected at most 1 with hot_keys");
    if (table.optimizer().has_delay_compensated_sgd())
      Fail(path("hot_keys")("rows"),
           "delay_compensated_sgd needs the weights of each gradient: expected 0");
  }

  void CheckAdmission(const config::ConfigPath& path, const Admission& admission) const {
    switch (admission.kind_case()) {
      case Admission::KIND_NOT_SET:
        return;
      case Admission::kExact:
        CheckRange(path("exact")("sightings"), admission.exact().sightings(), int64_t{1},
                   int64_t{1} << 31);
        CheckRange(path("exact")("max_candidates"), admission.exact().max_candidates(), int64_t{1},
                   int64_t{1} << 40);
        return;
      case Admission::kCountingBloom:
        CheckRange(path("counting_bloom")("sightings"), admission.counting_bloom().sightings(),
                   int64_t{1}, int64_t{255});
        CheckRange(path("counting_bloom")("bytes"), admission.counting_bloom().bytes(), int64_t{1},
                   int64_t{1} << 43);
        return;
      case Admission::kProbability:
        CheckRange(path("probability"), admission.probability(), 0.0, 1.0);
        return;
    }
  }

  void CheckEviction(const config::ConfigPath& path, const Eviction& eviction) const {
    CheckRange(path("ttl_steps"), eviction.ttl_steps(), int64_t{0}, int64_t{1} << 31);
    CheckRange(path("min_pulls"), eviction.min_pulls(), int64_t{0}, int64_t{1} << 30);
    CheckNotNegative(path("min_norm"), eviction.min_norm());
    CheckRange(path("max_bytes"), eviction.max_bytes(), int64_t{0}, int64_t{1} << 60);
    CheckRange(path("sweep_steps"), eviction.sweep_steps(), int64_t{1}, int64_t{1} << 30);
    if (eviction.when_full() != Eviction::EVICT_OLDEST && eviction.max_bytes() == 0)
      Fail(path("when_full"), "means nothing without max_bytes");
  }

  /// FTRL solves for its weights anew at each step, with one learning rate for all of its past.
  void CheckFtrlStandsAlone(const config::ConfigPath& path, const Optimizer& optimizer) const {
    if (optimizer.has_schedule())
      Fail(path("schedule"), "ftrl has no schedule: its rate falls by itself");
    if (optimizer.weight_decay() > 0)
      Fail(path("weight_decay"),
           "ftrl overwrites decayed weights: expected 0, and ftrl.l2 instead");
  }

  void CheckSchedule(const config::ConfigPath& path, const Schedule& schedule) const {
    CheckRange(path("warmup_steps"), schedule.warmup_steps(), int64_t{0}, int64_t{1} << 50);
    if (!schedule.has_cosine()) return;
    CheckRange(path("cosine")("steps"), schedule.cosine().steps(), schedule.warmup_steps() + 1,
               int64_t{1} << 50);
    CheckRange(path("cosine")("final"), schedule.cosine().final(), 0.0, 1.0);
  }

  void CheckInputs() const {
    if (job_.field_size() + job_.numeric_size() == 0)
      Fail(root(), "the job has no inputs, expected a field or a numeric");
    std::vector<std::string> tables;
    for (const Table& table : job_.table()) tables.push_back(table.name());
    std::set<std::string> names;
    std::map<std::string, std::string> table_of_vocabulary;
    for (int i = 0; i < job_.field_size(); ++i) {
      const Field& field = job_.field(i);
      const config::ConfigPath path = root()("field", i);
      CheckName(path, field.name(), &names);
      if (field.table().empty()) {
        Fail(path, tables.empty() ? "has no table, and the job defines none"
                                  : "has no table, and the job has more than one");
      }
      if (std::find(tables.begin(), tables.end(), field.table()) == tables.end()) {
        Fail(path("table"),
             TextOf("no table \"", field.table(), "\"", Suggestion(field.table(), tables)));
      }
      worker::data::CheckColumn(*this, path("column"), field.column(), job_.data(), columns_);
      const auto [shared, is_new] = table_of_vocabulary.emplace(field.vocabulary(), field.table());
      if (!is_new && shared->second != field.table()) {
        Fail(path,
             TextOf("shares the vocabulary \"", field.vocabulary(), "\" with a field of table ",
                    shared->second, ": expected the same table"));
      }
      CheckRange(path("sequence_length"), field.sequence_length(), 0, kMaxSequence);
      if (field.sequence_length() > 0 && field.separator().empty())
        Fail(path("sequence_length"),
             "is given without a separator: a row would have one value, expected separator");
      if (field.bucket_size() > 0 && !field.separator().empty())
        Fail(path("separator"), "cannot be combined with bucket");
      CheckShare(path("augment")("dropout"), field.augment().dropout());
      CheckShare(path("augment")("crop"), field.augment().crop());
      CheckShare(path("augment")("reorder"), field.augment().reorder());
      CheckShare(path("augment")("mask"), field.augment().mask());
      for (int b = 0; b < field.bucket_size(); ++b) {
        if (!std::isfinite(field.bucket(b)) || (b > 0 && field.bucket(b) <= field.bucket(b - 1))) {
          Fail(path("bucket", b),
               TextOf("is ", field.bucket(b), ", expected strictly ascending boundaries"));
        }
      }
    }
    for (int i = 0; i < job_.numeric_size(); ++i) {
      const config::ConfigPath path = root()("numeric", i);
      CheckName(path, job_.numeric(i).name(), &names);
      worker::data::CheckColumn(*this, path("column"), job_.numeric(i).column(), job_.data(),
                                columns_);
    }
  }

  void CheckTasks() const {
    if (job_.task_size() == 0) Fail(root(), "the job has no task, expected at least one");
    std::set<std::string> names;
    bool any_counts = false;
    for (int i = 0; i < job_.task_size(); ++i) {
      const Task& task = job_.task(i);
      const config::ConfigPath path = root()("task", i);
      CheckName(path, task.name(), &names);
      worker::data::CheckColumn(*this, path("label")("column"), task.label().column(), job_.data(),
                                columns_);
      if (task.label().rule_case() == Label::RULE_NOT_SET)
        Fail(path("label"), "has no rule, expected equals, prefix, number or at_least");
      CheckLabel(path("label"), task.label());
      loss::CheckHasLoss(*this, path, task);
      CheckNotNegative(path("weight"), task.weight());
      CheckNotNegative(path("positive_weight"), task.positive_weight());
      if (!(task.negative_share() > 0 && task.negative_share() <= 1))
        Fail(path("negative_share"),
             TextOf("is ", task.negative_share(), ", expected more than 0, at most 1"));
      CheckShare(path("label_smoothing"), task.label_smoothing());
      if (task.label_smoothing() > 0 &&
          loss::PredictionOf(task) != loss::PredictionKind::kProbability) {
        Fail(path("label_smoothing"), "means nothing without ",
             loss::NamesOfLosses(loss::PredictionKind::kProbability), ", expected 0");
      }
      if (!task.weight_column().empty())
        worker::data::CheckColumn(*this, path("weight_column"), task.weight_column(), job_.data(),
                                  columns_);
      if (task.has_sample_space()) CheckSampleSpace(path("sample_space"), task.sample_space());
      loss::CheckLoss(*this, path, task, job_);
      any_counts |= task.weight() > 0;
    }
    if (!any_counts && !worker::model::LearnsWithoutTasks(job_))
      Fail(root()("task", 0)("weight"), "is 0, as for all tasks: nothing would be learned");
  }

  void CheckSampleSpace(const config::ConfigPath& path, const Label& space) const {
    if (space.column().empty()) Fail(path, "has no column");
    worker::data::CheckColumn(*this, path("column"), space.column(), job_.data(), columns_);
    if (space.rule_case() == Label::RULE_NOT_SET)
      Fail(path, "has no rule, expected equals, prefix, number or at_least");
    CheckLabel(path, space);
  }

  /// A rule that gives every example one label is a mistake.
  void CheckLabel(const config::ConfigPath& path, const Label& label) const {
    if (label.has_prefix() && label.prefix().empty())
      Fail(path("prefix"), "is empty, expected a text: every value begins with the empty one");
    if (label.has_at_least() && !std::isfinite(label.at_least()))
      Fail(path("at_least"), "is no finite number");
    if (!label.has_equals()) return;
    const auto& missing = job_.data().text().missing();
    if (label.equals().empty() ||
        std::find(missing.begin(), missing.end(), label.equals()) != missing.end()) {
      Fail(path("equals"),
           TextOf("is \"", label.equals(), "\", which means a missing value and so no label, ",
                  "expected another text"));
    }
    const bool is_trimmed = job_.data().text().trim() && job_.data().text().quote().empty();
    if (is_trimmed && (label.equals().starts_with(' ') || label.equals().ends_with(' ')))
      Fail(path("equals"),
           "begins or ends with a space, which data.text.trim takes off every value");
  }

  void CheckTrain() const {
    const config::ConfigPath path = root()("train");
    const Train& train = job_.train();
    CheckRange(path("epochs"), train.epochs(), 1, kMaxEpochs);
    CheckRange(path("batch_size"), train.batch_size(), 1, 1 << 24);
    CheckRange(path("staleness"), train.staleness(), -1, 1 << 20);
    CheckRange(path("slices"), train.slices(), 0, 1 << 16);
    if (train.slices() > 0 && train.batch_size() % train.slices() != 0) {
      Fail(path("batch_size"),
           TextOf("is ", train.batch_size(), ", expected a multiple of slices, ", train.slices()));
    }
    CheckOptimizer(path("dense_optimizer"), train.dense_optimizer());
    CheckRange(path("task_gradients_every"), train.task_gradients_every(), 0, 1 << 30);
    worker::model::balance::CheckBalance(*this, job_);
    if (train.has_checkpoint()) CheckCheckpoint(path("checkpoint"), train.checkpoint());
    if (train.has_warm_start()) CheckWarmStart(path("warm_start"), train.warm_start());
    if (train.has_early_stopping())
      CheckEarlyStopping(path("early_stopping"), train.early_stopping());
  }

  void CheckWarmStart(const config::ConfigPath& path, const WarmStart& start) const {
    if (start.model().empty()) Fail(path("model"), "is empty, expected the folder of a model");
    std::vector<std::string> names;
    for (const Table& table : job_.table()) names.push_back(table.name());
    for (int i = 0; i < start.table_size(); ++i) {
      const std::string& name = start.table(i);
      if (std::find(names.begin(), names.end(), name) == names.end())
        Fail(path("table", i), TextOf("no table \"", name, "\"", Suggestion(name, names)));
      if (std::find(start.table().begin(), start.table().begin() + i, name) !=
          start.table().begin() + i)
        Fail(path("table", i), TextOf("\"", name, "\" comes twice"));
    }
  }

  void CheckCheckpoint(const config::ConfigPath& path, const Checkpoint& checkpoint) const {
    CheckNotNegative(path("every_s"), checkpoint.every_s());
    CheckRange(path("every_steps"), checkpoint.every_steps(), int64_t{0}, int64_t{1} << 40);
    CheckRange(path("every_epochs"), checkpoint.every_epochs(), 0, kMaxEpochs);
    CheckRange(path("keep"), checkpoint.keep(), 1, 1000);
    CheckRange(path("full_every"), checkpoint.full_every(), 1, 1000);
    CheckRange(path("max_failures"), checkpoint.max_failures(), 0, 1'000'000);
    if (checkpoint.every_s() == 0 && checkpoint.every_steps() == 0 &&
        checkpoint.every_epochs() == 0)
      Fail(path, "never writes any, expected every_s, every_steps or every_epochs");
  }

  void CheckEarlyStopping(const config::ConfigPath& path, const EarlyStopping& stopping) const {
    if (!job_.data().has_test()) Fail(path, "looks at evaluations, and there is no data.test");
    CheckRange(path("patience"), stopping.patience(), 0, kMaxEpochs);
    CheckNotNegative(path("min_delta"), stopping.min_delta());
    if (stopping.patience() == 0 && !stopping.keep_best())
      Fail(path, "neither stops nor keeps the best, expected patience above 0 or keep_best");
    for (int i = 0; i < stopping.term_size(); ++i) {
      const config::ConfigPath term_path = path("term", i);
      const EarlyStopping::Term& term = stopping.term(i);
      const auto task = std::find_if(job_.task().begin(), job_.task().end(),
                                     [&](const Task& t) { return t.name() == term.task(); });
      if (task == job_.task().end()) {
        std::vector<std::string> names;
        for (const Task& t : job_.task()) names.push_back(t.name());
        Fail(term_path("task"),
             TextOf("no task \"", term.task(), "\"", Suggestion(term.task(), names)));
      }
      CheckPositive(term_path("weight"), term.weight());
      const loss::PredictionKind kind = loss::PredictionOf(*task);
      const bool is_number = kind == loss::PredictionKind::kNumber;
      const bool is_probability = kind == loss::PredictionKind::kProbability;
      const bool fits = term.metric() == EarlyStopping::AUC    ? !is_number
                        : term.metric() == EarlyStopping::RMSE ? is_number || is_probability
                                                               : is_probability;
      if (!fits) {
        Fail(term_path("metric"), TextOf("is ", EarlyStopping::Metric_Name(term.metric()),
                                         ", expected one that task ", term.task(), " has: ",
                                         is_number        ? "RMSE"
                                         : is_probability ? "AUC, RMSE or LOG_LOSS"
                                                          : "AUC"));
      }
    }
  }

  const Job& job_;
  const config::ConfigBlame& blame_;
  worker::data::KnownColumns columns_;
};

}  // namespace

void CheckJob(const Job& job, const config::ConfigBlame& blame) {
  JobChecker(job, blame).Run();
}

}  // namespace zhiyin::launch::job
