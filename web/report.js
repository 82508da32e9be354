// Draws the figures of a report. Each figure's script element holds its data as JSON, in the words of
// src/apps/report/figure.h. Everything that comes from the data reaches the page as text, never as HTML.
(function () {
  'use strict';

  const root = document.documentElement;
  root.classList.add('js');
  const figures = [];
  const palette = 8;

  // --- Theme ---

  const cssColor = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  /** `a` with the part `t` of `b`: both "#rrggbb". */
  function mixed(a, b, t) {
    const part = (color, i) => parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16);
    const one = (i) => Math.round(part(a, i) * (1 - t) + part(b, i) * t);
    return '#' + [0, 1, 2].map((i) => one(i).toString(16).padStart(2, '0')).join('');
  }

  function readTheme() {
    const theme = {};
    for (const name of ['page', 'panel', 'ink', 'quiet', 'line', 'grid', 'band', 'accent']) {
      theme[name] = cssColor('--' + name);
    }
    const base = Array.from({length: palette}, (_, i) => cssColor('--c' + i));
    // Past the palette's end the same hues come again, each time lighter.
    theme.color = (i) => mixed(base[i % palette], theme.page, Math.min(0.7, 0.4 * Math.floor(i / palette)));
    theme.faint = (i) => mixed(theme.color(i), theme.page, 0.62);
    theme.span = (i) => [cssColor('--good'), cssColor('--poor'), cssColor('--c5'), cssColor('--c4')][i] || theme.color(i);
    return theme;
  }
  let theme = readTheme();

  function addThemeButton() {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'theme';
    const dark = () => root.dataset.theme ? root.dataset.theme === 'dark'
                                          : matchMedia('(prefers-color-scheme: dark)').matches;
    const label = () => { button.textContent = dark() ? 'Light' : 'Dark'; };
    button.addEventListener('click', () => {
      root.dataset.theme = dark() ? 'light' : 'dark';
      label();
      redraw();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { label(); redraw(); });
    label();
    document.querySelector('header').append(button);
  }

  // --- Text ---

  const trimmed = (value, digits) => Number(value.toPrecision(digits)).toString();

  function timeText(seconds, span) {
    if (span < 120) return trimmed(seconds, 4) + ' s';
    const sign = seconds < 0 ? '-' : '';
    const whole = Math.round(Math.abs(seconds));
    const two = (n) => String(n).padStart(2, '0');
    const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60, s = whole % 60;
    if (h === 0 && span < 7200) return sign + m + ':' + two(s);
    return sign + h + ':' + two(m) + (span < 7200 || s ? ':' + two(s) : '');
  }

  function valueText(value, axis, span) {
    if (axis.places) return axis.places[Math.round(value)] ?? '';
    if (axis.unit === 'percent') return (100 * value).toFixed(1) + ' %';
    if (axis.unit === 'seconds') return timeText(value, span);
    return trimmed(value, Math.abs(value) < 100 ? 3 : 4);
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /** A tooltip: a title and rows of [color, name, value]; a row without a colour is a remark. */
  function tip(title, rows) {
    const box = element('div', 'tip');
    if (title) box.append(element('b', '', title));
    for (const [color, name, value] of rows) {
      const row = element('div');
      if (color) {
        const swatch = element('i');
        swatch.style.background = color;
        row.append(swatch);
      }
      row.append(element('span', color ? '' : 'quiet', name));
      if (value !== undefined) row.append(element('span', 'end', value));
      box.append(row);
    }
    return box;
  }

  // --- Axes ---

  const spanOf = (axis, values) => {
    const low = axis.low ?? Math.min(...values);
    const high = axis.high ?? Math.max(...values);
    return high > low ? [low, high] : [low - 0.5, low + 0.5];
  };

  function timeStep(span, wanted) {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200];
    for (const step of steps) if (span / step <= wanted) return step;
    return 86400 * Math.ceil(span / 86400 / wanted);
  }

  /** `name` in at most four lines of `room` characters, broken after spaces and punctuation where it can be. */
  function wrapped(name, room) {
    const lines = [''];
    for (const word of name.match(/[^\s:,;_-]*[\s:,;_-]*/g) || []) {
      let rest = word;
      if (lines.at(-1) && (lines.at(-1) + rest).trimEnd().length > room) lines.push('');
      while (rest.trimEnd().length > room + 2) {
        lines[lines.length - 1] += rest.slice(0, room);
        rest = rest.slice(room);
        lines.push('');
      }
      lines[lines.length - 1] += rest;
    }
    const kept = lines.slice(0, 4).map((line) => line.trim());
    return kept.join('\n') + (lines.length > 4 ? '…' : '');
  }

  function baseAxis() {
    return {
      nameTextStyle: {color: theme.quiet, fontSize: 12},
      axisLabel: {color: theme.quiet, fontSize: 12, hideOverlap: true},
      axisLine: {lineStyle: {color: theme.line}},
      axisTick: {show: false},
      splitLine: {lineStyle: {color: theme.grid}},
    };
  }

  function xAxis(spec, extent, width) {
    const axis = baseAxis();
    if (spec.x.places) {
      axis.type = 'category';
      axis.data = spec.x.places;
      axis.axisLabel.interval = 0;
      axis.axisLabel.hideOverlap = false;
      axis.axisLabel.lineHeight = 15;
      const room = Math.max(5, ((width - 60) / spec.x.places.length - 6) / 6.4);
      axis.axisLabel.formatter = (name) => wrapped(name, room);
      return axis;
    }
    axis.type = 'value';
    axis.name = spec.x.name;
    axis.nameLocation = 'middle';
    axis.nameGap = 28;
    axis.min = extent[0];
    axis.max = extent[1];
    axis.splitLine = {show: false};
    const span = extent[1] - extent[0];
    if (spec.x.unit === 'seconds') {
      axis.interval = timeStep(span, Math.max(2, width / 90));
      axis.min = Math.floor(extent[0] / axis.interval + 1e-9) * axis.interval;
      const rest = (extent[1] - axis.min) / axis.interval;
      axis.axisLabel.showMaxLabel = Math.abs(rest - Math.round(rest)) < 1e-6;
    }
    // Devices and streams are counted: no half of one.
    if (xsOf(spec).every(Number.isInteger)) axis.minInterval = 1;
    axis.axisLabel.formatter = (value) => spec.x.unit === 'percent' ? Math.round(100 * value) + ' %'
                                                                    : valueText(value, spec.x, span);
    return axis;
  }

  /** Room for the names of the y axis's places, in pixels. */
  const placesWidth = (spec) => Math.min(190, 24 + 7.5 * Math.max(...spec.y.places.map((name) => name.length)));

  function yAxis(spec) {
    const axis = baseAxis();
    axis.axisLine = {show: false};
    if (spec.y.places) {
      axis.type = 'category';
      axis.data = spec.y.places;
      axis.axisLabel.overflow = 'truncate';
      axis.axisLabel.width = placesWidth(spec) - 16;
      axis.splitLine = {show: true, lineStyle: {color: theme.grid}};
      return axis;
    }
    axis.type = 'value';
    axis.name = spec.y.name;
    axis.nameLocation = 'end';
    axis.nameTextStyle.align = 'left';
    axis.nameGap = 8;
    axis.splitNumber = 4;
    if (spec.y.low !== undefined) axis.min = spec.y.low;
    if (spec.y.high !== undefined) axis.max = spec.y.high;
    if (spec.y.low !== undefined && spec.y.high !== undefined && spec.y.unit === 'percent') {
      axis.interval = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5].find((step) => (spec.y.high - spec.y.low) / step <= 5.01) || 1;
    }
    axis.axisLabel.formatter = (value) => spec.y.unit === 'percent' ? Math.round(100 * value) + ' %'
                                                                    : valueText(value, spec.y, 0);
    return axis;
  }

  // --- Parts of options ---

  const xsOf = (spec) => spec.series.flatMap((s) => s.x)
      .concat(spec.spans.flatMap((kind) => kind.spans.flatMap((s) => [s.from, s.to])));

  function baseOption(spec, width) {
    return {
      animation: false,
      textStyle: {fontFamily: getComputedStyle(document.body).fontFamily},
      grid: {left: 6, right: 18, top: spec.y.name ? 28 : 12, bottom: spec.x.name ? 26 : 6, containLabel: true},
      legend: {show: false},
      tooltip: {
        confine: true,
        backgroundColor: theme.panel,
        borderColor: theme.line,
        padding: [8, 12],
        extraCssText: 'box-shadow: 0 4px 16px rgba(0,0,0,.12); z-index: 4',
        axisPointer: {lineStyle: {color: theme.quiet, width: 1, type: 'solid', opacity: 0.5}},
      },
      xAxis: xAxis(spec, spec.x.places ? null : spanOf(spec.x, xsOf(spec)), width),
      yAxis: yAxis(spec),
      series: [],
    };
  }

  /** Bands behind everything: a series of their own, so that they survive the legend's clicks. */
  function addBands(option, spec) {
    if (!spec.bands.length) return;
    option.series.push({
      type: 'line', data: [], silent: true, tooltip: {show: false}, z: 0,
      markArea: {
        silent: true, itemStyle: {color: theme.band},
        data: spec.bands.map((b) => [{xAxis: b.from}, {xAxis: b.to}]),
      },
    });
  }

  function addReference(option, spec) {
    if (spec.reference === undefined) return;
    option.series.push({
      type: 'line', data: [], silent: true, tooltip: {show: false},
      markLine: {
        silent: true, symbol: 'none', label: {show: false},
        lineStyle: {color: theme.quiet, type: 'dashed', width: 1.2},
        data: [{yAxis: spec.reference}],
      },
    });
    // An axis without a fixed end must still reach the line.
    if (spec.y.high === undefined) {
      option.yAxis.max = (extent) => Math.max(extent.max, spec.reference) * 1.04;
      option.yAxis.axisLabel.showMaxLabel = false;
    }
  }

  const clipped = (rect, area) => echarts.graphic.clipRectByRect(rect, area);

  /** Spans as a strip at the plot's foot under a breath of colour over its height. */
  function addFootSpans(option, spec) {
    for (const kind of spec.spans) {
      const color = theme.span(kind.color);
      option.series.push({
        type: 'custom', name: kind.name, silent: true, z: 1, clip: true, tooltip: {show: false},
        data: kind.spans.map((s) => [s.from, s.to]), encode: {x: [0, 1]}, itemStyle: {color},
        renderItem(params, api) {
          const area = params.coordSys;
          const left = api.coord([api.value(0), 0])[0];
          const width = Math.max(2, api.coord([api.value(1), 0])[0] - left);
          const strip = clipped({x: left, y: area.y + area.height - 6, width, height: 6}, area);
          const tint = clipped({x: left, y: area.y, width, height: area.height - 6}, area);
          const children = [];
          if (tint) children.push({type: 'rect', shape: tint, style: {fill: color, opacity: 0.13}});
          if (strip) children.push({type: 'rect', shape: strip, style: {fill: color}});
          return {type: 'group', children};
        },
      });
    }
  }

  /** Marks as a hairline with a diamond at the top. */
  function addMarks(option, spec) {
    for (const kind of spec.marks) {
      option.series.push({
        type: 'custom', name: kind.name, silent: true, z: 3, tooltip: {show: false},
        data: kind.marks.map((m) => [m.x]), encode: {x: [0]}, itemStyle: {color: theme.ink},
        renderItem(params, api) {
          const area = params.coordSys;
          const x = api.coord([api.value(0), 0])[0];
          if (x < area.x - 1 || x > area.x + area.width + 1) return null;
          return {type: 'group', children: [
            {type: 'line', shape: {x1: x, x2: x, y1: area.y, y2: area.y + area.height}, style: {stroke: theme.ink, lineWidth: 1, opacity: 0.45}},
            {type: 'polygon', shape: {points: [[x, area.y - 4], [x + 4, area.y], [x, area.y + 4], [x - 4, area.y]]}, style: {fill: theme.ink}},
          ]};
        },
      });
    }
  }

  const pairs = (s) => s.x.map((x, i) => [x, s.y[i]]);
  const colorOf = (s) => s.faint ? theme.faint(s.color) : theme.color(s.color);

  /** What is at `x`: values of the shown series, then spans and marks there. */
  function timeTip(spec, chart, x, span) {
    const rows = [];
    const shown = chart.getOption().legend[0].selected || {};
    for (const s of spec.series) {
      if (shown[s.name] === false || !s.x.length) continue;
      let at = -1;
      if (spec.kind === 'line') {
        for (let i = 0; i < s.x.length; ++i) {
          if (at < 0 || Math.abs(s.x[i] - x) < Math.abs(s.x[at] - x)) at = i;
        }
      } else {
        for (let i = 0; i < s.x.length && s.x[i] <= x + 1e-9; ++i) at = i;
      }
      if (at < 0 || s.y[at] === null) continue;
      if (spec.kind === 'stacked-step' && s.y[at] === 0) continue;
      rows.push([colorOf(s), s.name, valueText(s.y[at], spec.y, 0)]);
      if (s.notes && s.notes[at]) rows.push([null, s.notes[at]]);
    }
    for (const kind of spec.spans) {
      for (const s of kind.spans) {
        if (s.from <= x && x <= s.to) rows.push([theme.span(kind.color), kind.name], [null, s.note || '']);
      }
    }
    for (const kind of spec.marks) {
      for (const m of kind.marks) {
        if (Math.abs(m.x - x) < span / 200) rows.push([theme.ink, kind.name, m.note || '']);
      }
    }
    return tip(valueText(x, spec.x, span), rows);
  }

  // --- One function per kind of figure ---

  function timeOption(spec, width, chart) {
    const option = baseOption(spec, width);
    const stacked = spec.kind === 'stacked-step';
    const span = option.xAxis.max - option.xAxis.min;
    addBands(option, spec);
    addFootSpans(option, spec);
    for (const s of spec.series) {
      const color = colorOf(s);
      const series = {
        type: 'line', name: s.name, data: pairs(s), symbol: 'none', color, z: 2,
        lineStyle: {width: stacked ? 0 : 2, color, type: s.dashed ? 'dashed' : 'solid', join: 'round'},
        emphasis: {disabled: true},
      };
      // Few points are measurements, each of them worth seeing.
      if (spec.kind === 'line' && s.x.length <= 40) Object.assign(series, {symbol: 'circle', symbolSize: 7, showAllSymbol: true});
      if (spec.kind !== 'line') series.step = 'end';
      if (stacked) Object.assign(series, {stack: 'all', areaStyle: {color, opacity: 1, origin: 'start'}});
      option.series.push(series);
    }
    addReference(option, spec);
    addMarks(option, spec);
    option.tooltip.trigger = 'axis';
    option.tooltip.formatter = (params) => {
      const first = Array.isArray(params) ? params[0] : params;
      return first ? timeTip(spec, chart, first.axisValue, span) : '';
    };
    return option;
  }

  function barOption(spec, width) {
    const option = baseOption(spec, width);
    const stacked = spec.kind === 'stacked-bar';
    const values = (s) => {
      const row = spec.x.places.map(() => null);
      s.x.forEach((x, i) => { row[Math.round(x)] = s.y[i]; });
      return row;
    };
    // Series that share no place need no room beside each other.
    const perPlace = spec.x.places.map((_, p) => spec.series.filter((s) => values(s)[p] !== null).length);
    const alone = perPlace.every((n) => n <= 1);
    for (const s of spec.series) {
      option.series.push({
        type: 'bar', name: s.name, data: values(s), color: colorOf(s), barMaxWidth: stacked || alone ? 56 : 34,
        barGap: alone ? '-100%' : '12%', stack: stacked ? 'all' : undefined, emphasis: {disabled: true},
        itemStyle: {borderRadius: stacked ? 0 : [3, 3, 0, 0]},
        label: {
          show: spec.labels, position: 'top', color: theme.ink, fontSize: 13, fontWeight: 600,
          distance: s.dots && s.dots.x.length ? 12 : 5,
          formatter: (p) => p.value === null ? '' : valueText(p.value, spec.y, 0),
        },
      });
      if (s.dots && s.dots.x.length) {
        const n = s.dots.x.length;
        option.series.push({
          type: 'scatter', name: s.name, z: 5, silent: true, symbolSize: 8,
          itemStyle: {color: theme.panel, borderColor: theme.ink, borderWidth: 1.3},
          data: s.dots.x.map((x, i) => ({
            value: [Math.round(x), s.dots.y[i]],
            symbolOffset: [(i - (n - 1) / 2) * Math.min(11, 44 / n), 0],
          })),
        });
      }
    }
    if (spec.labels && spec.y.high !== undefined) {
      option.grid.top = 24;
    }
    addReference(option, spec);
    option.tooltip.trigger = 'axis';
    option.tooltip.axisPointer = {type: 'none'};
    option.tooltip.formatter = (params) => {
      const place = (Array.isArray(params) ? params[0] : params).dataIndex;
      const rows = [];
      for (const s of spec.series) {
        const value = values(s)[place];
        if (value === null) continue;
        rows.push([colorOf(s), s.name, valueText(value, spec.y, 0)]);
        if (!s.dots) continue;
        s.dots.x.forEach((x, i) => {
          if (Math.round(x) === place) rows.push([null, (s.dots.notes || [])[i] || '', valueText(s.dots.y[i], spec.y, 0)]);
        });
      }
      return tip(spec.x.places[place], rows);
    };
    return option;
  }

  function scatterOption(spec, width) {
    const option = baseOption(spec, width);
    const all = spec.series.flatMap((s) => s.x.concat(s.y)).filter((v) => v !== null);
    if (spec.diagonal && all.length) {
      // One square scale, so that the distance from the diagonal can be read.
      const percent = spec.x.unit === 'percent';
      const low = Math.min(...all), high = Math.max(...all);
      const step = percent ? (high - low > 0.25 ? 0.1 : 0.05) : Math.pow(10, Math.floor(Math.log10(Math.max(high - low, high / 10, 1e-9))));
      const from = percent ? Math.max(0, Math.floor((low - 0.01) / step) * step) : 0;
      const to = percent ? Math.min(1, Math.ceil((high + 0.01) / step) * step) : Math.ceil(high / step + 0.1) * step;
      for (const axis of [option.xAxis, option.yAxis]) Object.assign(axis, {min: from, max: to, interval: percent ? step : undefined});
      option.xAxis.splitLine = {show: true, lineStyle: {color: theme.grid}};
      option.series.push({
        type: 'line', data: [[from, from], [to, to]], symbol: 'none', silent: true, tooltip: {show: false},
        lineStyle: {color: theme.quiet, type: 'dashed', width: 1.2},
      });
    }
    option.xAxis.splitNumber = 5;
    for (const s of spec.series) {
      option.series.push({
        type: 'scatter', name: s.name, data: pairs(s), color: colorOf(s), symbolSize: 10,
        itemStyle: {opacity: 0.8, borderColor: theme.page, borderWidth: 1},
      });
    }
    addReference(option, spec);
    option.tooltip.trigger = 'item';
    option.tooltip.formatter = (p) => {
      const s = spec.series.find((each) => each.name === p.seriesName);
      if (!s) return '';
      const i = p.dataIndex;
      return tip((s.notes && s.notes[i]) || '', [
        [colorOf(s), s.name],
        [null, spec.x.name || 'x', valueText(s.x[i], spec.x, 0)],
        [null, spec.y.name || 'y', valueText(s.y[i], spec.y, 0)],
      ]);
    };
    return option;
  }

  function ganttOption(spec, width) {
    const option = baseOption(spec, width);
    Object.assign(option.grid, {left: placesWidth(spec), bottom: 26, containLabel: false});
    const span = option.xAxis.max - option.xAxis.min;
    addBands(option, spec);
    for (const kind of spec.spans) {
      const color = theme.span(kind.color);
      option.series.push({
        type: 'custom', name: kind.name, z: 2, itemStyle: {color}, encode: {x: [0, 1], y: 2},
        data: kind.spans.map((s) => [s.from, s.to, s.row]),
        renderItem(params, api) {
          const start = api.coord([api.value(0), api.value(2)]);
          const end = api.coord([api.value(1), api.value(2)]);
          const height = Math.min(18, 0.62 * api.size([0, 1])[1]);
          const shape = clipped({x: start[0], y: start[1] - height / 2, width: Math.max(2, end[0] - start[0]), height}, params.coordSys);
          return shape && {type: 'rect', shape: Object.assign(shape, {r: 3}), style: {fill: color}};
        },
      });
    }
    addMarks(option, spec);
    option.tooltip.trigger = 'item';
    option.tooltip.formatter = (p) => {
      const kind = spec.spans.find((each) => each.name === p.seriesName);
      const s = kind && kind.spans[p.dataIndex];
      if (!s) return '';
      return tip((spec.y.places || [])[s.row] || '', [
        [theme.span(kind.color), kind.name],
        [null, timeText(s.from, span) + ' to ' + timeText(s.to, span) + (s.note ? ' · ' + s.note : '')],
      ]);
    };
    return option;
  }

  const builders = {
    'line': timeOption, 'step': timeOption, 'stacked-step': timeOption, 'bar': barOption,
    'stacked-bar': barOption, 'scatter': scatterOption, 'gantt': ganttOption,
  };

  // --- Legend ---

  /** What the legend of `spec` names: [{name, swatch, color, clickable}]. */
  function legendItems(spec) {
    const items = [];
    const add = (name, swatch, color, clickable) => items.push({name, swatch, color, clickable});
    // Where each bar stands over its own name, the names need no legend.
    const named = spec.x.places && spec.series.every((s) => spec.x.places.includes(s.name));
    if (!named) {
      const swatch = {line: 'stroke', step: 'stroke', scatter: 'dot'}[spec.kind] || '';
      for (const s of spec.series) add(s.name, s.dashed ? 'dash' : swatch, colorOf(s), spec.series.length > 1);
    }
    for (const kind of spec.spans) add(kind.name, '', theme.span(kind.color), false);
    for (const kind of spec.marks) add(kind.name, 'mark', theme.ink, false);
    if (spec.bands.length && spec.band_name) add(spec.band_name, 'band', theme.band, false);
    if (spec.reference !== undefined && spec.reference_name) add(spec.reference_name, 'dash', theme.quiet, false);
    if (spec.diagonal) add('predicted = measured', 'dash', theme.quiet, false);
    return items;
  }

  /** Fills `legend` for `group`: figures that show and hide their series together. */
  function drawLegend(legend, group) {
    const items = new Map();
    for (const figure of group) {
      for (const item of legendItems(figure.spec)) {
        const known = items.get(item.name);
        // One name in several colours: the figures' titles say whose each is.
        if (known && known.color !== item.color) known.color = theme.quiet;
        if (!known) items.set(item.name, item);
      }
    }
    const hidden = group[0].hidden;
    legend.replaceChildren();
    for (const {name, swatch, color, clickable} of items.values()) {
      const entry = element(clickable ? 'button' : 'span');
      const patch = element('i', swatch);
      if (swatch === 'dash') patch.style.borderColor = color; else patch.style.background = color;
      entry.append(patch, element('span', '', name));
      if (clickable) {
        entry.type = 'button';
        entry.setAttribute('aria-pressed', String(!hidden.has(name)));
        entry.addEventListener('click', () => {
          if (!hidden.delete(name)) hidden.add(name);
          entry.setAttribute('aria-pressed', String(!hidden.has(name)));
          for (const figure of group) if (figure.drawn) figure.drawn.dispatchAction({type: 'legendToggleSelect', name});
        });
      }
      legend.append(entry);
    }
    legend.hidden = items.size === 0;
  }

  // --- Drawing ---

  const visible = (node) => node.getClientRects().length > 0;

  function draw(figure) {
    if (!visible(figure.plot)) return;
    if (figure.drawn) figure.drawn.dispose();
    figure.drawn = echarts.init(figure.plot, null, {renderer: 'svg'});
    const option = builders[figure.spec.kind](figure.spec, figure.plot.clientWidth, figure.drawn);
    option.legend.data = figure.spec.series.map((s) => s.name);
    option.legend.selected = Object.fromEntries([...figure.hidden].map((name) => [name, false]));
    figure.drawn.setOption(option);
    figure.drawn.getZr().flush();
    figure.width = figure.plot.clientWidth;
    drawLegend(figure.legend, figure.group);
  }

  function redraw() {
    theme = readTheme();
    for (const figure of figures) if (figure.drawn) draw(figure);
  }

  function setUpFigures() {
    const near = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const figure = figures.find((each) => each.plot === entry.target);
        if (entry.isIntersecting && !figure.drawn) draw(figure);
      }
    }, {rootMargin: '600px 0px'});
    const sized = new ResizeObserver((entries) => {
      for (const entry of entries) {
        const figure = figures.find((each) => each.plot === entry.target);
        const width = figure.plot.clientWidth;
        if (figure.drawn && width > 0 && width !== figure.width) draw(figure);
      }
    });
    for (const box of document.querySelectorAll('.chart')) {
      const data = box.querySelector('script[type="application/json"]');
      if (!data) continue;
      const figure = {
        spec: JSON.parse(data.textContent), plot: box.querySelector('.plot'),
        legend: box.querySelector('.legend'), hidden: new Set(), drawn: null, width: 0,
      };
      figure.group = [figure];
      const beside = box.parentElement;
      if (beside.classList.contains('alike')) {
        // Figures that are alike have one legend, before them, and hide the same series.
        const first = figures.find((each) => each.beside === beside);
        figure.beside = beside;
        figure.legend = beside.previousElementSibling;
        figure.group = first ? first.group : [];
        figure.hidden = first ? first.hidden : figure.hidden;
        figure.group.push(figure);
      }
      figures.push(figure);
    }
    // What is in view is drawn now, before the first paint; the rest when it comes near.
    for (const figure of figures) {
      if (figure.plot.getBoundingClientRect().top < innerHeight + 600) draw(figure);
    }
    for (const figure of figures) {
      near.observe(figure.plot);
      sized.observe(figure.plot);
    }
    // Paper has its own width and is always light.
    addEventListener('beforeprint', () => {
      root.dataset.before = root.dataset.theme || '';
      root.dataset.theme = 'light';
      root.classList.add('printing');
      theme = readTheme();
      for (const figure of figures) draw(figure);
    });
    addEventListener('afterprint', () => {
      if (root.dataset.before) root.dataset.theme = root.dataset.before; else delete root.dataset.theme;
      delete root.dataset.before;
      root.classList.remove('printing');
      redraw();
    });
  }

  function setUpChoices() {
    for (const choices of document.querySelectorAll('.choices')) {
      const buttons = [...choices.querySelectorAll(':scope > .buttons > button')];
      const parts = [...choices.querySelectorAll(':scope > .choice')];
      const show = (chosen) => {
        buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(i === chosen)));
        parts.forEach((part, i) => { part.hidden = i !== chosen; });
      };
      buttons.forEach((button, i) => button.addEventListener('click', () => show(i)));
      show(0);
    }
  }

  addThemeButton();
  setUpChoices();
  if (window.echarts) setUpFigures();
})();
