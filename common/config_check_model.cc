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

  void CheckNetwork(const ConfigPath& model) const {
    switch (job_.model().kind_case()) {
      case Model::KIND_NOT_SET:
        Fail(model, "is missing, expected shared_bottom, mmoe or linear");
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
        if (job_.model().interaction_size() > 0)
          Fail(model("interaction", 0), "means nothing to linear, which has no network, expected none");
        if (job_.model().sequence_size() > 0)
          Fail(model("sequence", 0), "means nothing to linear, expected fields that are pooled");
        for (int i = 0; i < job_.table_size(); ++i) {
          if (job_.table(i).dim() != job_.task_size()) {
            Fail(ConfigPath()("table", i)("dim"),
                 Text("is ", job_.table(i).dim(), ", expected ", job_.task_size(),
                      ": a linear model has one weight a task in a row"));
          }
        }
        return;
    }
  }
};

}  // namespace

void CheckModel(const Job& job, const ConfigBlame& blame) {
  ModelChecker(job, blame).Run();
}

}  // namespace zhiyin
