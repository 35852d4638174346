// What a model must be before it may run.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/config/checker.h"
#include "common/text.h"
#include "launch/job/check_job.h"

namespace zhiyin::launch::job {
namespace {

constexpr int kMaxWidth = 65536;
constexpr int kMaxExperts = 1024;
constexpr int kMaxLayers = 64;
constexpr int kMaxInteractions = 64;
constexpr int kMaxHeads = 1024;
constexpr int kMaxHeadWidth = 4096;

class ModelChecker : private config::Checker {
 public:
  ModelChecker(const Job& job, const config::ConfigBlame& blame)
      : config::Checker(job, blame),
        job_(job),
        wide_(job.model().wide().field().begin(), job.model().wide().field().end()) {
    for (const Field& field : job.field()) fields_.emplace(field.name(), &field);
  }

  void Run() const {
    const config::ConfigPath model = root()("model");
    CheckSequences(model);
    CheckInteractions(model);
    CheckNetwork(model);
    if (job_.model().has_wide()) CheckWide(model("wide"), job_.model().wide());
    if (job_.model().has_hidden()) CheckHidden(model("hidden"), job_.model().hidden());
  }

 private:
  void CheckHidden(const config::ConfigPath& path, const Hidden& hidden) const {
    if (job_.model().has_linear() || job_.model().has_matrix_factorization())
      Fail(path, "the model has no hidden layers, expected none");
    if (!(hidden.dropout() >= 0 && hidden.dropout() <= 0.99))
      Fail(path("dropout"), Text("is ", hidden.dropout(), ", expected 0 to 0.99"));
    const int slices = job_.train().slices();
    if (hidden.normalization() == Hidden::BATCH && slices > 0 &&
        job_.train().batch_size() / slices < 2) {
      Fail(path("normalization"), Text("is BATCH with one row a slice (train.batch_size / "
                                       "train.slices), expected at least 2"));
    }
  }

  template <typename Widths>
  void CheckWidths(const config::ConfigPath& path, const char* name, const Widths& widths,
                   int at_least) const {
    if (widths.size() < at_least)
      Fail(path, Text(name, " has no layer, expected at least ", at_least));
    if (widths.size() > kMaxLayers)
      Fail(path(name, kMaxLayers),
           Text("is layer ", kMaxLayers + 1, ", expected at most ", kMaxLayers));
    for (int i = 0; i < widths.size(); ++i) CheckRange(path(name, i), widths.Get(i), 1, kMaxWidth);
  }

  const Field* FieldNamed(const std::string& name) const {
    const auto field = fields_.find(name);
    return field == fields_.end() ? nullptr : field->second;
  }
  const Field& CheckFieldName(const config::ConfigPath& path, const std::string& name) const {
    if (const Field* field = FieldNamed(name)) return *field;
    std::vector<std::string> names;
    for (const Field& field : job_.field()) names.push_back(field.name());
    Fail(path, Text("no field \"", name, "\"", Suggestion(name, names)));
  }
  int DimOf(const Field& field) const {
    for (const Table& table : job_.table()) {
      if (table.name() == field.table()) return table.dim();
    }
    return 0;
  }

  /// Every sequence has one reader, and every reader a sequence.
  void CheckSequences(const config::ConfigPath& model) const {
    std::set<std::string> read;
    for (int i = 0; i < job_.model().sequence_size(); ++i) {
      const config::ConfigPath path = model("sequence", i);
      const SequenceReader& reader = job_.model().sequence(i);
      if (CheckFieldName(path("field"), reader.field()).sequence_length() == 0)
        Fail(path("field"), Text("field \"", reader.field(),
                                 "\" is no sequence, expected one with a sequence_length"));
      if (!read.insert(reader.field()).second)
        Fail(path("field"), Text("\"", reader.field(), "\" is read by an earlier one"));
      if (IsWide(reader.field()))
        Fail(path("field"),
             Text("\"", reader.field(),
                  "\" is a field of model.wide, expected one that the network reads"));
      switch (reader.kind_case()) {
        case SequenceReader::KIND_NOT_SET:
          Fail(path, "has no kind, expected pool, din, attention_pool or bst");
        case SequenceReader::kPool:
          break;
        case SequenceReader::kDin:
          CheckQuery(path("din")("query"), reader.din().query(), *FieldNamed(reader.field()));
          CheckWidths(path("din"), "hidden", reader.din().hidden(), 1);
          break;
        case SequenceReader::kAttentionPool:
          CheckRange(path("attention_pool")("width"), reader.attention_pool().width(), 1,
                     kMaxWidth);
          break;
        case SequenceReader::kBst:
          CheckBst(path("bst"), reader.bst(), *FieldNamed(reader.field()));
          break;
      }
    }
    for (int i = 0; i < job_.field_size(); ++i) {
      if (job_.field(i).sequence_length() > 0 && read.count(job_.field(i).name()) == 0) {
        Fail(root()("field", i)("sequence_length"),
             "is given, but nothing reads the sequence, expected a model.sequence with this field");
      }
    }
  }

  /// What attends to a sequence: one vector of the same dim.
  void CheckQuery(const config::ConfigPath& path, const std::string& name,
                  const Field& sequence) const {
    if (name.empty())
      Fail(path, "is missing, expected the field whose interest in the values is asked for");
    const Field& query = CheckFieldName(path, name);
    if (query.sequence_length() > 0)
      Fail(path, Text("field \"", name, "\" is a sequence itself, expected one that is not"));
    if (IsWide(name))
      Fail(path,
           Text("\"", name, "\" is a field of model.wide, expected one that the network reads"));
    if (DimOf(query) != DimOf(sequence)) {
      Fail(path,
           Text("field \"", name, "\" has dim ", DimOf(query), ", expected that of the sequence \"",
                sequence.name(), "\", ", DimOf(sequence)));
    }
  }

  void CheckBst(const config::ConfigPath& path, const SequenceReader::Bst& bst,
                const Field& sequence) const {
    CheckQuery(path("query"), bst.query(), sequence);
    CheckRange(path("n_blocks"), bst.n_blocks(), 1, kMaxLayers);
    CheckRange(path("n_heads"), bst.n_heads(), 1, kMaxHeads);
    if (DimOf(sequence) % bst.n_heads() != 0) {
      Fail(path("n_heads"), Text("is ", bst.n_heads(), ", expected a divisor of the dim of \"",
                                 sequence.name(), "\", ", DimOf(sequence)));
    }
    CheckRange(path("hidden"), bst.hidden(), 1, kMaxWidth);
  }

  bool IsWide(const std::string& name) const { return wide_.count(name) > 0; }

  /// The fields that an interaction chooses, at least two. No names: all that the network reads.
  template <typename Names>
  std::vector<const Field*> CheckFields(const config::ConfigPath& path, const Names& names) const {
    std::vector<const Field*> fields;
    std::set<std::string> taken;
    for (int i = 0; i < names.size(); ++i) {
      fields.push_back(&CheckFieldName(path("field", i), names.Get(i)));
      if (!taken.insert(names.Get(i)).second)
        Fail(path("field", i), Text("\"", names.Get(i), "\" is named by an earlier one"));
      if (IsWide(names.Get(i))) {
        Fail(path("field", i),
             Text("\"", names.Get(i),
                  "\" is a field of model.wide, expected one that the network reads"));
      }
    }
    for (const Field& field : job_.field()) {
      if (names.empty() && !IsWide(field.name())) fields.push_back(&field);
    }
    if (fields.size() < 2) Fail(path, Text("has ", fields.size(), " fields, expected at least 2"));
    return fields;
  }

  /// Fields that meet entry by entry must have vectors of one dim.
  template <typename Names>
  void CheckSameDim(const config::ConfigPath& path, const Names& names) const {
    const std::vector<const Field*> fields = CheckFields(path, names);
    for (const Field* field : fields) {
      if (DimOf(*field) != DimOf(*fields[0])) {
        Fail(path, Text("field \"", field->name(), "\" has dim ", DimOf(*field),
                        ", expected that of \"", fields[0]->name(), "\", ", DimOf(*fields[0])));
      }
    }
  }

  /// Columns of all that the network and its interactions read.
  int n_columns() const {
    int n = job_.numeric_size();
    for (const Field& field : job_.field()) n += IsWide(field.name()) ? 0 : DimOf(field);
    return n;
  }

  void CheckInteractions(const config::ConfigPath& model) const {
    CheckNotNegative(model("gates")("l1"), job_.model().gates().l1());
    if (job_.model().interaction_size() > kMaxInteractions)
      Fail(model("interaction", kMaxInteractions),
           Text("is one too many, expected at most ", kMaxInteractions));
    for (int i = 0; i < job_.model().interaction_size(); ++i) {
      const config::ConfigPath path = model("interaction", i);
      const Interaction& interaction = job_.model().interaction(i);
      switch (interaction.kind_case()) {
        case Interaction::KIND_NOT_SET:
          Fail(
              path,
              "has no kind, expected inputs, fm, cross_v1, cross_v2, cross_mix, senet or auto_int");
        case Interaction::kInputs:
          break;
        case Interaction::kFm:
          CheckSameDim(path("fm"), interaction.fm().field());
          break;
        case Interaction::kCrossV1:
          CheckRange(path("cross_v1")("n_layers"), interaction.cross_v1().n_layers(), 1,
                     kMaxLayers);
          break;
        case Interaction::kCrossV2:
          CheckRange(path("cross_v2")("n_layers"), interaction.cross_v2().n_layers(), 1,
                     kMaxLayers);
          break;
        case Interaction::kCrossMix:
          CheckCrossMix(path("cross_mix"), interaction.cross_mix());
          break;
        case Interaction::kSenet: {
          const size_t n_fields = CheckFields(path("senet"), interaction.senet().field()).size();
          CheckRange(path("senet")("reduction"), interaction.senet().reduction(), 1,
                     static_cast<int>(n_fields));
          break;
        }
        case Interaction::kAutoInt:
          CheckSameDim(path("auto_int"), interaction.auto_int().field());
          CheckRange(path("auto_int")("n_layers"), interaction.auto_int().n_layers(), 1,
                     kMaxLayers);
          CheckRange(path("auto_int")("n_heads"), interaction.auto_int().n_heads(), 1, kMaxHeads);
          CheckRange(path("auto_int")("width"), interaction.auto_int().width(), 1, kMaxHeadWidth);
          break;
      }
    }
  }

  /// Of models that read the rows of fields themselves.
  void CheckPlainFields(const config::ConfigPath& model, const char* kind) const {
    if (job_.model().interaction_size() > 0)
      Fail(model("interaction", 0),
           Text("means nothing to ", kind, ", which reads the fields' rows, expected none"));
    if (job_.model().sequence_size() > 0)
      Fail(model("sequence", 0),
           Text("means nothing to ", kind, ", expected fields that are pooled"));
    if (job_.model().has_gates())
      Fail(model("gates"),
           Text("means nothing to ", kind, ", which reads the fields' rows, expected none"));
    if (job_.model().has_wide())
      Fail(model("wide"),
           Text("means nothing to ", kind, ", which reads the fields' rows, expected none"));
  }

  /// The rows of every field are n_parts parts of the same width.
  void CheckParts(int n_parts, const char* which) const {
    for (int i = 0; i < job_.table_size(); ++i) {
      if (job_.table(i).dim() % n_parts != 0) {
        Fail(root()("table", i)("dim"),
             Text("is ", job_.table(i).dim(), ", expected a multiple of ", n_parts, ": a row is ",
                  which, ", of the same width"));
      }
    }
  }

  void CheckExperts(const config::ConfigPath& path, int n_shared, int n_own) const {
    CheckRange(path("shared_experts"), n_shared, 1, kMaxExperts);
    CheckRange(path("task_experts"), n_own, 1, kMaxExperts);
    const int64_t n_all = n_shared + int64_t{n_own} * job_.task_size();
    if (n_all > kMaxExperts) {
      Fail(path("task_experts"),
           Text("is ", n_own, " for each of ", job_.task_size(), " tasks, which makes ", n_all,
                " experts with the shared ones, expected at most ", kMaxExperts));
    }
  }

  void CheckPle(const config::ConfigPath& path, const Ple& ple) const {
    if (ple.level_size() == 0) Fail(path, "level has no entry, expected at least 1");
    if (ple.level_size() > kMaxLayers)
      Fail(path("level", kMaxLayers), Text("is one too many, expected at most ", kMaxLayers));
    for (int l = 0; l < ple.level_size(); ++l) {
      const config::ConfigPath level = path("level", l);
      CheckExperts(level, ple.level(l).shared_experts(), ple.level(l).task_experts());
      CheckWidths(level, "expert", ple.level(l).expert(), 1);
    }
    CheckWidths(path, "tower", ple.tower(), 0);
  }

  void CheckSeveralTasks(const config::ConfigPath& path) const {
    if (job_.task_size() < 2) Fail(path, "the job has one task, expected at least 2");
  }
  void CheckBinary(const config::ConfigPath& path, int task, const char* why) const {
    if (!job_.task(task).has_binary_cross_entropy())
      Fail(path, Text("task \"", job_.task(task).name(),
                      "\" has another loss, expected binary_cross_entropy: ", why));
  }

  void CheckAitm(const config::ConfigPath& path, const Aitm& aitm) const {
    CheckSeveralTasks(path);
    CheckWidths(path, "hidden", aitm.hidden(), 1);
    CheckNotNegative(path("calibration_weight"), aitm.calibration_weight());
    if (aitm.calibration_weight() == 0) return;
    for (int t = 0; t < job_.task_size(); ++t)
      CheckBinary(path("calibration_weight"), t, "the calibrator compares probabilities");
  }

  /// The task of the name, which `path` gives a place; no other may.
  int PlaceTask(const config::ConfigPath& path, const std::string& name,
                std::set<std::string>* placed) const {
    std::vector<std::string> names;
    for (const Task& task : job_.task()) names.push_back(task.name());
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) Fail(path, Text("no task \"", name, "\"", Suggestion(name, names)));
    if (!placed->insert(name).second)
      Fail(path, Text("\"", name, "\" has its place in an earlier one"));
    const int task = static_cast<int>(found - names.begin());
    CheckBinary(path, task, "the model gives probabilities");
    return task;
  }

  void CheckEsmm(const config::ConfigPath& path, const Esmm& esmm) const {
    CheckWidths(path, "hidden", esmm.hidden(), 1);
    if (esmm.step_size() < 2)
      Fail(path, Text("step has ", esmm.step_size(), esmm.step_size() == 1 ? " entry" : " entries",
                      ", expected at least 2: a chain of events, as a click and a purchase"));
    std::set<std::string> placed;
    bool any_conditional = false;
    for (int k = 0; k < esmm.step_size(); ++k) {
      const config::ConfigPath step = path("step", k);
      if (esmm.step(k).task().empty()) Fail(step, "has no task");
      const int task = PlaceTask(step("task"), esmm.step(k).task(), &placed);
      if (job_.task(task).weight() == 0)
        Fail(root()("task", task)("weight"),
             "is 0, but a step of esmm is learned from it, expected more");
      if (esmm.step(k).conditional_task().empty()) continue;
      if (k == 0)
        Fail(step("conditional_task"),
             "is given for the first step, which nothing comes before, expected none");
      PlaceTask(step("conditional_task"), esmm.step(k).conditional_task(), &placed);
      any_conditional = true;
    }
    for (int t = 0; t < job_.task_size(); ++t) {
      if (placed.count(job_.task(t).name()) == 0) {
        Fail(root()("task", t), Text("\"", job_.task(t).name(),
                                     "\" has no place in model.esmm, expected it as the task or ",
                                     "the conditional_task of a step"));
      }
    }
    CheckNotNegative(path("ipw_weight"), esmm.ipw_weight());
    CheckPositive(path("min_propensity"), esmm.min_propensity());
    CheckRange(path("min_propensity"), esmm.min_propensity(), 0.0, 1.0);
    if (esmm.ipw_weight() > 0 && !any_conditional)
      Fail(path("ipw_weight"),
           "is given, but no step has a conditional_task, whose labels it weighs");
  }

  void CheckCrossMix(const config::ConfigPath& path, const Interaction::CrossMix& mix) const {
    CheckRange(path("n_layers"), mix.n_layers(), 1, kMaxLayers);
    CheckRange(path("n_experts"), mix.n_experts(), 1, kMaxExperts);
    if (mix.rank() < 1 || mix.rank() > n_columns()) {
      Fail(path("rank"), Text("is ", mix.rank(), ", expected 1 to ", n_columns(),
                              ", the columns that the inputs have"));
    }
  }

  void CheckWide(const config::ConfigPath& path, const Wide& wide) const {
    if (wide.field_size() + wide.numeric_size() == 0 && !wide.has_fm())
      Fail(path, "reads nothing, expected field, numeric or fm");
    std::set<std::string> taken;
    for (int i = 0; i < wide.field_size(); ++i) {
      const Field& field = CheckFieldName(path("field", i), wide.field(i));
      if (!taken.insert(wide.field(i)).second)
        Fail(path("field", i), Text("\"", wide.field(i), "\" is named by an earlier one"));
      if (field.sequence_length() > 0)
        Fail(path("field", i),
             Text("field \"", wide.field(i), "\" is a sequence, expected one that is pooled"));
      if (DimOf(field) != job_.task_size()) {
        Fail(path("field", i),
             Text("table \"", field.table(), "\" of field \"", wide.field(i), "\" has dim ",
                  DimOf(field), ", expected ", job_.task_size(), ": one weight a task"));
      }
    }
    std::vector<std::string> numerics;
    for (const Numeric& numeric : job_.numeric()) numerics.push_back(numeric.name());
    for (int i = 0; i < wide.numeric_size(); ++i) {
      if (std::find(numerics.begin(), numerics.end(), wide.numeric(i)) == numerics.end())
        Fail(path("numeric", i),
             Text("no numeric \"", wide.numeric(i), "\"", Suggestion(wide.numeric(i), numerics)));
      if (!taken.insert(wide.numeric(i)).second)
        Fail(path("numeric", i), Text("\"", wide.numeric(i), "\" is named by an earlier one"));
    }
    if (wide.has_fm()) CheckSameDim(path("fm"), wide.fm().field());
    if (n_columns() == 0)
      Fail(path("field"), "takes every input of the job, expected some that the network reads");
  }

  void CheckMatrixFactorization(const config::ConfigPath& path,
                                const MatrixFactorization& config) const {
    if (config.user_field().empty()) Fail(path("user_field"), "is missing, expected a field");
    if (config.item_field().empty()) Fail(path("item_field"), "is missing, expected a field");
    const Field& user = CheckFieldName(path("user_field"), config.user_field());
    const Field& item = CheckFieldName(path("item_field"), config.item_field());
    if (user.name() == item.name())
      Fail(path("item_field"), Text("\"", item.name(), "\" is the user_field, expected another"));
    if (job_.field_size() > 2 || job_.numeric_size() > 0)
      Fail(path, Text("the job has ", job_.field_size(), " fields and ", job_.numeric_size(),
                      " numerics, expected the two fields alone"));
    if (DimOf(user) != DimOf(item))
      Fail(path("item_field"), Text("\"", item.name(), "\" has dim ", DimOf(item),
                                    ", expected that of \"", user.name(), "\", ", DimOf(user)));
    CheckParts(job_.task_size(), "a part for each task");
    if (DimOf(user) / job_.task_size() < 2)
      Fail(path("user_field"),
           Text("\"", user.name(), "\" has dim ", DimOf(user), " for ", job_.task_size(),
                " tasks, expected at least ", 2 * job_.task_size(), ": a bias and a factor each"));
  }

  const Numeric& CheckNumericName(const config::ConfigPath& path, const std::string& name) const {
    std::vector<std::string> names;
    for (const Numeric& numeric : job_.numeric()) {
      if (numeric.name() == name) return numeric;
      names.push_back(numeric.name());
    }
    Fail(path, Text("no numeric \"", name, "\"", Suggestion(name, names)));
  }

  void CheckTower(const config::ConfigPath& path, const TwoTower::Tower& tower, int dim,
                  std::set<std::string>* taken) const {
    CheckWidths(path, "hidden", tower.hidden(), 0);
    if (tower.field_size() == 0) Fail(path, "has no field, expected at least 1");
    const auto take = [&](const config::ConfigPath& at, const std::string& name) {
      if (!taken->insert(name).second)
        Fail(at, Text("\"", name, "\" is an input of a tower already, expected it once"));
    };
    for (int i = 0; i < tower.field_size(); ++i) {
      const Field& field = CheckFieldName(path("field", i), tower.field(i));
      take(path("field", i), field.name());
      if (tower.hidden().empty() && DimOf(field) != dim)
        Fail(path("field", i),
             Text("\"", field.name(), "\" has dim ", DimOf(field), ", expected two_tower.dim, ",
                  dim, ": without hidden layers the rows are summed"));
    }
    for (int i = 0; i < tower.numeric_size(); ++i) {
      take(path("numeric", i), CheckNumericName(path("numeric", i), tower.numeric(i)).name());
      if (tower.hidden().empty())
        Fail(path("numeric", i), "needs a hidden layer, expected none or hidden");
    }
  }

  void CheckTwoTower(const config::ConfigPath& path, const TwoTower& config) const {
    std::set<std::string> taken;
    CheckRange(path("dim"), config.dim(), 1, kMaxWidth);
    CheckPositive(path("temperature"), config.temperature());
    CheckTower(path("user"), config.user(), config.dim(), &taken);
    CheckTower(path("item"), config.item(), config.dim(), &taken);
    const config::ConfigPath in_batch = path("in_batch");
    if (!config.in_batch().task().empty()) {
      std::vector<std::string> tasks;
      for (const Task& task : job_.task()) tasks.push_back(task.name());
      if (std::find(tasks.begin(), tasks.end(), config.in_batch().task()) == tasks.end()) {
        Fail(in_batch("task"), Text("no task \"", config.in_batch().task(), "\"",
                                    Suggestion(config.in_batch().task(), tasks)));
      }
    }
    if (config.has_in_batch()) CheckPositive(in_batch("weight"), config.in_batch().weight());
    if (config.has_in_batch() && job_.train().balance().kind_case() != Balance::KIND_NOT_SET)
      Fail(
          in_batch,
          "is a loss that is no task's, which train.balance cannot weigh: expected one of the two");
    if (!config.in_batch().log_share().empty()) {
      const Numeric& share = CheckNumericName(in_batch("log_share"), config.in_batch().log_share());
      if (share.standardise() || share.log1p())
        Fail(in_batch("log_share"),
             Text("numeric \"", share.name(),
                  "\" is transformed, expected it with standardise: false, log1p: false"));
      if (!taken.insert(share.name()).second)
        Fail(in_batch("log_share"),
             Text("\"", share.name(), "\" is an input of a tower, expected one that is in none"));
    }
    const auto unread = [&](const config::ConfigPath& at, const std::string& name) {
      if (taken.count(name) == 0)
        Fail(at,
             Text("\"", name, "\" is in no tower, expected it in model.two_tower.user or item"));
    };
    for (int i = 0; i < job_.field_size(); ++i) unread(root()("field", i), job_.field(i).name());
    for (int i = 0; i < job_.numeric_size(); ++i)
      unread(root()("numeric", i), job_.numeric(i).name());
  }

  void CheckNetwork(const config::ConfigPath& model) const {
    switch (job_.model().kind_case()) {
      case Model::KIND_NOT_SET:
        Fail(model,
             "is missing, expected shared_bottom, mmoe, linear, single_task, ple, esmm, aitm, "
             "cross_stitch, stem, matrix_factorization "
             "or two_tower");
      case Model::kSharedBottom: {
        const config::ConfigPath path = model("shared_bottom");
        CheckWidths(path, "bottom", job_.model().shared_bottom().bottom(), 1);
        CheckWidths(path, "tower", job_.model().shared_bottom().tower(), 0);
        return;
      }
      case Model::kMmoe: {
        const config::ConfigPath path = model("mmoe");
        CheckRange(path("n_experts"), job_.model().mmoe().n_experts(), 1, kMaxExperts);
        CheckWidths(path, "expert", job_.model().mmoe().expert(), 1);
        CheckWidths(path, "tower", job_.model().mmoe().tower(), 0);
        return;
      }
      case Model::kLinear:
        if (job_.model().has_wide())
          Fail(model("wide"), "means nothing to linear, which is wide itself, expected none");
        CheckPlainFields(model, "linear");
        for (int i = 0; i < job_.table_size(); ++i) {
          if (job_.table(i).dim() != job_.task_size()) {
            Fail(root()("table", i)("dim"),
                 Text("is ", job_.table(i).dim(), ", expected ", job_.task_size(),
                      ": a linear model has one weight a task in a row"));
          }
        }
        return;
      case Model::kSingleTask: {
        const config::ConfigPath path = model("single_task");
        CheckWidths(path, "hidden", job_.model().single_task().hidden(), 1);
        if (!job_.model().single_task().own_rows()) return;
        CheckPlainFields(model, "single_task with own_rows");
        CheckParts(job_.task_size(), "a part for each task");
        return;
      }
      case Model::kPle:
        CheckPle(model("ple"), job_.model().ple());
        return;
      case Model::kEsmm:
        CheckEsmm(model("esmm"), job_.model().esmm());
        return;
      case Model::kAitm:
        CheckAitm(model("aitm"), job_.model().aitm());
        return;
      case Model::kCrossStitch:
        CheckSeveralTasks(model("cross_stitch"));
        CheckWidths(model("cross_stitch"), "hidden", job_.model().cross_stitch().hidden(), 1);
        return;
      case Model::kStem: {
        const config::ConfigPath path = model("stem");
        const Stem& stem = job_.model().stem();
        CheckPlainFields(model, "stem");
        CheckExperts(path, stem.shared_experts(), stem.task_experts());
        CheckWidths(path, "expert", stem.expert(), 1);
        CheckWidths(path, "tower", stem.tower(), 0);
        CheckParts(job_.task_size() + 1, "a shared part and one for each task");
        return;
      }
      case Model::kMatrixFactorization:
        CheckPlainFields(model, "matrix_factorization");
        CheckMatrixFactorization(model("matrix_factorization"),
                                 job_.model().matrix_factorization());
        return;
      case Model::kTwoTower:
        if (job_.model().interaction_size() > 0)
          Fail(model("interaction", 0),
               "means nothing to two_tower, whose towers read the inputs, expected none");
        if (job_.model().has_gates())
          Fail(model("gates"),
               "means nothing to two_tower, whose towers read the inputs, expected none");
        if (job_.model().has_wide())
          Fail(model("wide"),
               "means nothing to two_tower, whose score is that of two vectors, expected none");
        CheckTwoTower(model("two_tower"), job_.model().two_tower());
        return;
    }
  }

  const Job& job_;
  std::map<std::string, const Field*> fields_;  // by name
  std::set<std::string> wide_;                  // names of the fields of the wide part
};

}  // namespace

void CheckModel(const Job& job, const config::ConfigBlame& blame) {
  ModelChecker(job, blame).Run();
}

}  // namespace zhiyin::launch::job
