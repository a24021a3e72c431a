-- The states of kstatus: a newer generation or a deletion is under way whatever the conditions say of the spec before.
local health = { status = "Progressing", message = "Waiting for the controller" }
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted"
  return health
end
if obj.status == nil then
  return health
end
local generation = obj.metadata.generation
local observed = obj.status.observedGeneration
if generation ~= nil and observed ~= generation then
  return health
end
local ready = nil
local stalled = nil
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Ready" then
    ready = condition
  elseif condition.type == "Stalled" and condition.status == "True" then
    stalled = condition
  end
end
if stalled ~= nil then
  return { status = "Degraded", message = stalled.message }
end
if ready == nil then
  return health
end
if ready.observedGeneration ~= nil and ready.observedGeneration ~= generation then
  return health
end
health.message = ready.message
if ready.status == "True" then
  health.status = "Healthy"
  if obj.spec ~= nil and obj.spec.suspend == true then
    health.status = "Suspended"
  end
end
return health
