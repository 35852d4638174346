// What a model must be before it may run.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "common/config_checker.h"
#include "common/text.h"

namespace zhiyin {
namespace {

constexpr int kMaxWidth = 65536;
constexpr int kMaxExperts = 1024;
constexpr int kMaxLayers = 64;
constexpr int kMaxInteractions = 64;

class ModelChecker : private ConfigChecker {
 public:
  using ConfigChecker::ConfigChecker;

  void Run() const {
    const ConfigPath model = ConfigPath()("model");
    CheckSequences(model);
    CheckInteractions(model);
    CheckNetwork(model);
  }

 private:
  template <typename Widths>
  void CheckWidths(const ConfigPath& path, const char* name, const Widths& widths, int at_least) const {
    if (widths.size() < at_least) Fail(path, Text(name, " has no layer, expected at least ", at_least));
    if (widths.size() > kMaxLayers)
      Fail(path(name, kMaxLayers), Text("is layer ", kMaxLayers + 1, ", expected at most ", kMaxLayers));
    for (int i = 0; i < widths.size(); ++i) CheckRange(path(name, i), widths.Get(i), 1, kMaxWidth);
  }

  const Field* FieldNamed(const std::string& name) const {
    const auto field = std::find_if(job_.field().begin(), job_.field().end(),
                                    [&](const Field& f) { return f.name() == name; });
    return field == job_.field().end() ? nullptr : &*field;
  }
  const Field& CheckFieldName(const ConfigPath& path, const std::string& name) const {
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
  void CheckSequences(const ConfigPath& model) const {
    std::set<std::string> read;
    for (int i = 0; i < job_.model().sequence_size(); ++i) {
      const ConfigPath path = model("sequence", i);
      const SequenceReader& reader = job_.model().sequence(i);
      if (CheckFieldName(path("field"), reader.field()).sequence_length() == 0)
        Fail(path("field"), Text("field \"", reader.field(), "\" is no sequence, expected one with a sequence_length"));
      if (!read.insert(reader.field()).second)
        Fail(path("field"), Text("\"", reader.field(), "\" is read by an earlier one"));
      switch (reader.kind_case()) {
        case SequenceReader::KIND_NOT_SET:
          Fail(path, "has no kind, expected pool");
        case SequenceReader::kPool:
          break;
      }
    }
    for (int i = 0; i < job_.field_size(); ++i) {
      if (job_.field(i).sequence_length() > 0 && read.count(job_.field(i).name()) == 0) {
        Fail(ConfigPath()("field", i)("sequence_length"),
             "is given, but nothing reads the sequence, expected a model.sequence with this field");
      }
    }
  }

  /// Fields that meet must have vectors of one dim. No names: all fields.
  template <typename Names>
  void CheckSameDim(const ConfigPath& path, const Names& names) const {
    std::vector<const Field*> fields;
    for (int i = 0; i < names.size(); ++i) fields.push_back(&CheckFieldName(path("field", i), names.Get(i)));
    if (names.empty()) {
      for (const Field& field : job_.field()) fields.push_back(&field);
    }
    if (fields.size() < 2) Fail(path, Text("has ", fields.size(), " fields, expected at least 2"));
    for (const Field* field : fields) {
      if (DimOf(*field) != DimOf(*fields[0])) {
        Fail(path, Text("field \"", field->name(), "\" has dim ", DimOf(*field), ", expected that of \"",
                        fields[0]->name(), "\", ", DimOf(*fields[0])));
      }
    }
  }

  void CheckInteractions(const ConfigPath& model) const {
    if (job_.model().interaction_size() > kMaxInteractions)
      Fail(model("interaction", kMaxInteractions), Text("is one too many, expected at most ", kMaxInteractions));
    for (int i = 0; i < job_.model().interaction_size(); ++i) {
      const ConfigPath path = model("interaction", i);
      const Interaction& interaction = job_.model().interaction(i);
      switch (interaction.kind_case()) {
        case Interaction::KIND_NOT_SET:
          Fail(path, "has no kind, expected inputs or fm");
        case Interaction::kInputs:
          break;
        case Interaction::kFm:
          CheckSameDim(path("fm"), interaction.fm().field());
          break;
      }
    }
  }

  /// Of models that read the rows of fields themselves.
  void CheckPlainFields(const ConfigPath& model, const char* kind) const {
    if (job_.model().interaction_size() > 0)
      Fail(model("interaction", 0), Text("means nothing to ", kind, ", which reads the fields' rows, expected none"));
    if (job_.model().sequence_size() > 0)
      Fail(model("sequence", 0), Text("means nothing to ", kind, ", expected fields that are pooled"));
  }

  /// The rows of every field are n_parts parts of the same width.
  void CheckParts(int n_parts, const char* which) const {
    for (int i = 0; i < job_.table_size(); ++i) {
      if (job_.table(i).dim() % n_parts != 0) {
        Fail(ConfigPath()("table", i)("dim"), Text("is ", job_.table(i).dim(), ", expected a multiple of ", n_parts,
                                                   ": a row is ", which, ", of the same width"));
      }
    }
  }

  void CheckExperts(const ConfigPath& path, int n_shared, int n_own) const {
    CheckRange(path("shared_experts"), n_shared, 1, kMaxExperts);
    CheckRange(path("task_experts"), n_own, 1, kMaxExperts);
    const int64_t n_all = n_shared + int64_t{n_own} * job_.task_size();
    if (n_all > kMaxExperts) {
      Fail(path("task_experts"), Text("is ", n_own, " for each of ", job_.task_size(), " tasks, which makes ", n_all,
                                      " experts with the shared ones, expected at most ", kMaxExperts));
    }
  }

  void CheckPle(const ConfigPath& path, const Ple& ple) const {
    if (ple.level_size() == 0) Fail(path, "level has no entry, expected at least 1");
    if (ple.level_size() > kMaxLayers)
      Fail(path("level", kMaxLayers), Text("is one too many, expected at most ", kMaxLayers));
    for (int l = 0; l < ple.level_size(); ++l) {
      const ConfigPath level = path("level", l);
      CheckExperts(level, ple.level(l).shared_experts(), ple.level(l).task_experts());
      CheckWidths(level, "expert", ple.level(l).expert(), 1);
    }
    CheckWidths(path, "tower", ple.tower(), 0);
  }

  void CheckSeveralTasks(const ConfigPath& path) const {
    if (job_.task_size() < 2) Fail(path, "the job has one task, expected at least 2");
  }
  void CheckBinary(const ConfigPath& path, int task, const char* why) const {
    if (!job_.task(task).has_binary_cross_entropy())
      Fail(path, Text("task \"", job_.task(task).name(), "\" has another loss, expected binary_cross_entropy: ", why));
  }

  void CheckAitm(const ConfigPath& path, const Aitm& aitm) const {
    CheckSeveralTasks(path);
    CheckWidths(path, "hidden", aitm.hidden(), 1);
    CheckNotNegative(path("calibration_weight"), aitm.calibration_weight());
    if (aitm.calibration_weight() == 0) return;
    for (int t = 0; t < job_.task_size(); ++t)
      CheckBinary(path("calibration_weight"), t, "the calibrator compares probabilities");
  }

  /// The task of the name, which `path` gives a place; no other may.
  int PlaceTask(const ConfigPath& path, const std::string& name, std::set<std::string>* placed) const {
    std::vector<std::string> names;
    for (const Task& task : job_.task()) names.push_back(task.name());
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) Fail(path, Text("no task \"", name, "\"", Suggestion(name, names)));
    if (!placed->insert(name).second) Fail(path, Text("\"", name, "\" has its place in an earlier one"));
    const int task = static_cast<int>(found - names.begin());
    CheckBinary(path, task, "the model gives probabilities");
    return task;
  }

  void CheckEsmm(const ConfigPath& path, const Esmm& esmm) const {
    CheckWidths(path, "hidden", esmm.hidden(), 1);
    if (esmm.step_size() < 2)
      Fail(path, Text("step has ", esmm.step_size(), esmm.step_size() == 1 ? " entry" : " entries",
                      ", expected at least 2: a chain of events, as a click and a purchase"));
    std::set<std::string> placed;
    bool any_conditional = false;
    for (int k = 0; k < esmm.step_size(); ++k) {
      const ConfigPath step = path("step", k);
      if (esmm.step(k).task().empty()) Fail(step, "has no task");
      const int task = PlaceTask(step("task"), esmm.step(k).task(), &placed);
      if (job_.task(task).weight() == 0)
        Fail(ConfigPath()("task", task)("weight"), "is 0, but a step of esmm is learned from it, expected more");
      if (esmm.step(k).conditional_task().empty()) continue;
      if (k == 0)
        Fail(step("conditional_task"), "is given for the first step, which nothing comes before, expected none");
      PlaceTask(step("conditional_task"), esmm.step(k).conditional_task(), &placed);
      any_conditional = true;
    }
    for (int t = 0; t < job_.task_size(); ++t) {
      if (placed.count(job_.task(t).name()) == 0) {
        Fail(ConfigPath()("task", t), Text("\"", job_.task(t).name(), "\" has no place in model.esmm, expected it as the task or ",
                                           "the conditional_task of a step"));
      }
    }
    CheckNotNegative(path("ipw_weight"), esmm.ipw_weight());
    CheckPositive(path("min_propensity"), esmm.min_propensity());
    CheckRange(path("min_propensity"), esmm.min_propensity(), 0.0, 1.0);
    if (esmm.ipw_weight() > 0 && !any_conditional)
      Fail(path("ipw_weight"), "is given, but no step has a conditional_task, whose labels it weighs");
  }

  void CheckNetwork(const ConfigPath& model) const {
    switch (job_.model().kind_case()) {
      case Model::KIND_NOT_SET:
        Fail(model, "is missing, expected shared_bottom, mmoe, linear, single_task, ple, esmm, aitm, cross_stitch or stem");
      case Model::kSharedBottom: {
        const ConfigPath path = model("shared_bottom");
        CheckWidths(path, "bottom", job_.model().shared_bottom().bottom(), 1);
        CheckWidths(path, "tower", job_.model().shared_bottom().tower(), 0);
        return;
      }
      case Model::kMmoe: {
        const ConfigPath path = model("mmoe");
        CheckRange(path("n_experts"), job_.model().mmoe().n_experts(), 1, kMaxExperts);
        CheckWidths(path, "expert", job_.model().mmoe().expert(), 1);
        CheckWidths(path, "tower", job_.model().mmoe().tower(), 0);
        return;
      }
      case Model::kLinear:
        CheckPlainFields(model, "linear");
        for (int i = 0; i < job_.table_size(); ++i) {
          if (job_.table(i).dim() != job_.task_size()) {
            Fail(ConfigPath()("table", i)("dim"),
                 Text("is ", job_.table(i).dim(), ", expected ", job_.task_size(),
                      ": a linear model has one weight a task in a row"));
          }
        }
        return;
      case Model::kSingleTask: {
        const ConfigPath path = model("single_task");
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
        const ConfigPath path = model("stem");
        const Stem& stem = job_.model().stem();
        CheckPlainFields(model, "stem");
        CheckExperts(path, stem.shared_experts(), stem.task_experts());
        CheckWidths(path, "expert", stem.expert(), 1);
        CheckWidths(path, "tower", stem.tower(), 0);
        CheckParts(job_.task_size() + 1, "a shared part and one for each task");
        return;
      }
    }
  }
};

}  // namespace

void CheckModel(const Job& job, const ConfigBlame& blame) {
  ModelChecker(job, blame).Run();
}

}  // namespace zhiyin
