function OnStoredInstance(instanceId, tags, metadata)
  local modality = tags['Modality']
  if (modality == 'CR' or modality == 'DX') and tags['Manufacturer'] ~= 'Pneumoscope' then
    SendToModality(instanceId, 'pneumoscope')
  end
end
