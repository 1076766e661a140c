const columns = [
  ['name', 'Name'],
  ['location', 'Location'],
  ['wind_speed_ms', 'Wind speed (m/s)'],
  ['wind_pressure_pa', 'Wind pressure (Pa)'],
  ['inspections', 'Inspections'],
];

const byId = (id) => document.getElementById(id);

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function fill(row, tag, texts) {
  row.replaceChildren(...texts.map((text) => Object.assign(document.createElement(tag), { textContent: text })));
  return row;
}

async function showProjects() {
  const { projects } = await call('GET', '/api/v1/projects');
  fill(
    byId('columns'),
    'th',
    columns.map(([, title]) => title),
  );
  byId('projects').replaceChildren(
    ...projects.map((project) =>
      fill(
        document.createElement('tr'),
        'td',
        columns.map(([key]) => project[key]),
      ),
    ),
  );
  document.querySelector('[name=project_id]').replaceChildren(...projects.map(({ id, name }) => new Option(name, id)));
}

byId('new-project').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = Object.fromEntries(new FormData(event.target));
  await call('POST', '/api/v1/projects', { ...form, wind_speed_ms: Number(form.wind_speed_ms) }).catch(report);
  await showProjects();
});

byId('new-job').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { project_id, ...sizes } = Object.fromEntries(new FormData(event.target));
  const sign = Object.fromEntries(Object.entries(sizes).map(([key, value]) => [key, Number(value)]));
  try {
    let job = await call('POST', '/api/v1/jobs', { project_id: Number(project_id), sign });
    for (let tries = 0; job.state === 'queued' && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      job = await call('GET', `/api/v1/jobs/${job.id}`);
    }
    byId('result').textContent = JSON.stringify(job.result ?? job.failure ?? job.state, null, 2);
  } catch (failure) {
    report(failure);
  }
});

function report(failure) {
  byId('result').textContent = String(failure.message);
}

call('GET', '/version').then(({ version }) => (byId('version').textContent = `v${version}`), report);
showProjects().catch(report);
