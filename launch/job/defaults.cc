#include "launch/job/defaults.h"

#include <algorithm>
#include <filesystem>

#include "worker/model/balance/balancer.h"
#include "worker/model/check_model.h"

namespace zhiyin::launch::job {
namespace {

void FillAdam(Optimizer::Adam* adam) {
  if (!adam->has_beta1()) adam->set_beta1(0.9);
  if (!adam->has_beta2()) adam->set_beta2(0.999);
  if (!adam->has_epsilon()) adam->set_epsilon(1e-8);
}

void FillAdmission(Admission* admission) {
  constexpr int64_t kDefaultSize = int64_t{1} << 24;
  if (admission->has_exact() && !admission->exact().has_max_candidates())
    admission->mutable_exact()->set_max_candidates(kDefaultSize);
  if (admission->has_counting_bloom() && !admission->counting_bloom().has_bytes())
    admission->mutable_counting_bloom()->set_bytes(kDefaultSize);
}

void FillOptimizer(Optimizer* optimizer) {
  if (!optimizer->has_weight_decay())
    optimizer->set_weight_decay(optimizer->has_adamw() ? 0.01 : 0);
  switch (optimizer->kind_case()) {
    case Optimizer::kSgd:
    case Optimizer::KIND_NOT_SET:
      return;
    case Optimizer::kAdagrad:
      if (!optimizer->adagrad().has_epsilon()) optimizer->mutable_adagrad()->set_epsilon(1e-10);
      return;
    case Optimizer::kRowwiseAdagrad:
      if (!optimizer->rowwise_adagrad().has_epsilon())
        optimizer->mutable_rowwise_adagrad()->set_epsilon(1e-10);
      return;
    case Optimizer::kAdam:
      FillAdam(optimizer->mutable_adam());
      return;
    case Optimizer::kAdamw:
      FillAdam(optimizer->mutable_adamw());
      return;
    case Optimizer::kMomentum:
      if (!optimizer->momentum().has_momentum()) optimizer->mutable_momentum()->set_momentum(0.9);
      return;
    case Optimizer::kFtrl:
      if (!optimizer->ftrl().has_beta()) optimizer->mutable_ftrl()->set_beta(1);
      return;
    case Optimizer::kRmsprop:
      if (!optimizer->rmsprop().has_decay()) optimizer->mutable_rmsprop()->set_decay(0.9);
      if (!optimizer->rmsprop().has_epsilon()) optimizer->mutable_rmsprop()->set_epsilon(1e-8);
      return;
    case Optimizer::kAdadelta:
      if (!optimizer->adadelta().has_decay()) optimizer->mutable_adadelta()->set_decay(0.95);
      if (!optimizer->adadelta().has_epsilon()) optimizer->mutable_adadelta()->set_epsilon(1e-6);
      return;
    case Optimizer::kDelayCompensatedSgd:
      if (!optimizer->delay_compensated_sgd().has_lambda())
        optimizer->mutable_delay_compensated_sgd()->set_lambda(0.04);
      return;
  }
}

void FillFiles(const std::string& folder, google::protobuf::RepeatedPtrField<std::string>* files) {
  for (std::string& file : *files) {
    if (!file.empty())
      file = std::filesystem::absolute(std::filesystem::path(folder) / file)
                 .lexically_normal()
                 .string();
  }
}

void FillText(zhiyin::Text* text) {
  if (!text->has_delimiter()) text->set_delimiter(",");
  if (!text->has_trim()) text->set_trim(true);
}

void FillData(const std::string& folder, Data* data) {
  if (data->has_text()) FillText(data->mutable_text());
  if (data->has_generated_ratings() && !data->generated_ratings().has_noise()) {
    data->mutable_generated_ratings()->set_noise(0.5);
  }
  if (data->has_generated_related_tasks()) {
    GeneratedRelatedTasks* tasks = data->mutable_generated_related_tasks();
    if (!tasks->has_n_features()) tasks->set_n_features(20);
    if (!tasks->has_scale()) tasks->set_scale(1);
    if (!tasks->has_n_sines()) tasks->set_n_sines(4);
    if (!tasks->has_noise()) tasks->set_noise(0.1);
  }
  if (data->has_generated_funnel()) {
    GeneratedFunnel* funnel = data->mutable_generated_funnel();
    if (!funnel->has_n_steps()) funnel->set_n_steps(2);
    if (!funnel->has_n_users()) funnel->set_n_users(2000);
    if (!funnel->has_n_items()) funnel->set_n_items(2000);
    if (!funnel->has_n_logged()) funnel->set_n_logged(funnel->n_rows());
  }
  if (data->has_train()) FillFiles(folder, data->mutable_train()->mutable_file());
  if (data->has_test()) FillFiles(folder, data->mutable_test()->mutable_file());
  for (Join& join : *data->mutable_join()) {
    FillFiles(folder, join.mutable_file());
    if (join.key().empty()) join.set_key(join.column());
    if (!join.has_text()) *join.mutable_text() = data->text();
    FillText(join.mutable_text());
  }
  if (data->has_behaviour()) {
    Behaviour* behaviour = data->mutable_behaviour();
    if (!behaviour->has_history_length()) behaviour->set_history_length(20);
    if (behaviour->has_negatives() && !behaviour->negatives().has_power())
      behaviour->mutable_negatives()->set_power(0.75);
  }
  if (!data->has_max_bad_share()) data->set_max_bad_share(0.001);
  if (!data->has_shuffle_rows()) data->set_shuffle_rows(2'000'000);
}

}  // namespace

void FillDefaults(const std::string& folder, Job* job) {
  if (job->name().empty()) job->set_name("job");
  FillData(folder, job->mutable_data());
  if (job->train().has_checkpoint()) {
    Checkpoint* checkpoint = job->mutable_train()->mutable_checkpoint();
    if (!checkpoint->has_keep()) checkpoint->set_keep(2);
    if (!checkpoint->has_full_every()) checkpoint->set_full_every(1);
    if (!checkpoint->has_max_failures()) checkpoint->set_max_failures(3);
  }
  if (job->train().has_early_stopping()) {
    EarlyStopping* stopping = job->mutable_train()->mutable_early_stopping();
    if (!stopping->has_keep_best()) stopping->set_keep_best(true);
    for (EarlyStopping::Term& term : *stopping->mutable_term()) {
      if (!term.has_weight()) term.set_weight(1);
    }
  }
  if (job->train().has_warm_start() && !job->train().warm_start().model().empty()) {
    std::string* model = job->mutable_train()->mutable_warm_start()->mutable_model();
    *model = std::filesystem::absolute(std::filesystem::path(folder) / *model)
                 .lexically_normal()
                 .string();
  }
  for (Table& table : *job->mutable_table()) {
    FillOptimizer(table.mutable_optimizer());
    FillAdmission(table.mutable_admission());
    if (!table.eviction().has_sweep_steps()) table.mutable_eviction()->set_sweep_steps(4096);
    if (!table.hot_keys().has_refresh_steps()) table.mutable_hot_keys()->set_refresh_steps(8);
    if (table.init().kind_case() == Initializer::KIND_NOT_SET)
      table.mutable_init()->mutable_normal()->set_stddev(0.01);
  }
  for (Field& field : *job->mutable_field()) {
    if (field.column().empty()) field.set_column(field.name());
    if (field.vocabulary().empty()) field.set_vocabulary(field.name());
    if (field.table().empty() && job->table_size() == 1) field.set_table(job->table(0).name());
  }
  for (Numeric& numeric : *job->mutable_numeric()) {
    if (numeric.column().empty()) numeric.set_column(numeric.name());
    if (!numeric.has_standardise()) numeric.set_standardise(true);
  }
  worker::model::FillModel(job);
  for (Task& task : *job->mutable_task()) {
    if (task.label().column().empty()) task.mutable_label()->set_column(task.name());
    if (!task.has_weight()) task.set_weight(1);
    if (!task.has_positive_weight()) task.set_positive_weight(1);
    if (!task.has_negative_share()) task.set_negative_share(1);
  }
  Train* train = job->mutable_train();
  FillOptimizer(train->mutable_dense_optimizer());
  worker::model::balance::FillBalance(job);
  if (!train->has_prefetch()) train->set_prefetch(train->staleness() == 0);
  if (!job->evaluation().has_every_epochs()) job->mutable_evaluation()->set_every_epochs(1);
}

}  // namespace zhiyin::launch::job
